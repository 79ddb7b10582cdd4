// The kubelet's plugin for images of Silo's registries: it shows them the node's managed identity.
//
// What Azure's acr-credential-provider does: the node's token is exchanged at the registry's own
// door for a refresh token, which the registry judges again at every pull. Nothing is kept on disk.
//
// Source: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	version = "credentialprovider.kubelet.k8s.io/v1"
	// The user name that goes with a registry's refresh token as password.
	nobody = "00000000-0000-0000-0000-000000000000"
	// How long the kubelet shows the same token again: it lasts for three hours, and whether it
	// opens anything is the registry's to say each time.
	keep = "10m0s"
	// The kubelet waits a minute; what a registry says is a few kilobytes.
	patience = 30 * time.Second
	limit    = 1 << 20
)

type request struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Image      string `json:"image"`
}

type login struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type response struct {
	APIVersion    string           `json:"apiVersion"`
	Kind          string           `json:"kind"`
	CacheKeyType  string           `json:"cacheKeyType"`
	CacheDuration string           `json:"cacheDuration"`
	Auth          map[string]login `json:"auth"`
}

// provider knows whom to ask for the node's token, and how a registry is spoken to.
type provider struct {
	metadata string
	resource string
	scheme   string
	client   *http.Client
}

func main() {
	// No proxy: both are reached from the node itself.
	client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	asked := provider{"http://169.254.169.254", "https://containerregistry.azure.net", "https", client}
	if err := asked.answer(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// answer reads the kubelet's request and writes what to show to the registry.
func (p provider) answer(ctx context.Context, in io.Reader, out io.Writer) error {
	var wanted request
	if err := json.NewDecoder(io.LimitReader(in, limit)).Decode(&wanted); err != nil {
		return fmt.Errorf("the request cannot be read: %w", err)
	}
	if wanted.APIVersion != version || wanted.Kind != "CredentialProviderRequest" {
		return fmt.Errorf("unknown request: %s %s", wanted.APIVersion, wanted.Kind)
	}
	host, _, found := strings.Cut(wanted.Image, "/")
	if !found {
		return fmt.Errorf("no registry in %q", wanted.Image)
	}
	token, err := p.askNode(ctx)
	if err != nil {
		return fmt.Errorf("the node has no token: %w", err)
	}
	refresh, err := p.exchange(ctx, host, token)
	if err != nil {
		return fmt.Errorf("%s takes no identity: %w", host, err)
	}
	return json.NewEncoder(out).Encode(response{
		APIVersion:    version,
		Kind:          "CredentialProviderResponse",
		CacheKeyType:  "Registry",
		CacheDuration: keep,
		Auth:          map[string]login{host: {nobody, refresh}},
	})
}

func (p provider) askNode(ctx context.Context) (string, error) {
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {p.resource}}
	target := p.metadata + "/metadata/identity/oauth2/token?" + query.Encode()
	asking, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", err
	}
	asking.Header.Set("Metadata", "true")
	return p.read(asking, "access_token")
}

func (p provider) exchange(ctx context.Context, host, token string) (string, error) {
	form := url.Values{"grant_type": {"access_token"}, "service": {host}, "access_token": {token}}
	target := p.scheme + "://" + host + "/oauth2/exchange"
	asking, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	asking.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.read(asking, "refresh_token")
}

// read returns one field of a good answer. A bad one is not repeated: it may carry what was sent.
func (p provider) read(asking *http.Request, name string) (string, error) {
	answer, err := p.client.Do(asking)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", errors.New(answer.Status)
	}
	var fields map[string]any
	if err := json.NewDecoder(io.LimitReader(answer.Body, limit)).Decode(&fields); err != nil {
		return "", err
	}
	value, _ := fields[name].(string)
	if value == "" {
		return "", fmt.Errorf("the answer has no %s", name)
	}
	return value, nil
}
