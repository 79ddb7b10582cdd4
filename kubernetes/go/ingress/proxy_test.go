package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	networking "k8s.io/api/networking/v1"
)

var registered sync.Once

// served is the proxy as it runs, on ports that are free.
type served struct{ plain, secure string }

func serve(t *testing.T) served {
	t.Helper()
	var err error
	if stranger, err = makeStranger(time.Now()); err != nil {
		t.Fatal(err)
	}
	current.Store(&table{})
	registered.Do(register)
	made := served{free(t), free(t)}
	if err := caddy.Run(describe(made.plain, made.secure)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	return made
}

func free(t *testing.T) string {
	t.Helper()
	found, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	return found.Addr().String()
}

func (one served) ask(t *testing.T, scheme, host, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	places := map[string]string{"http": one.plain, "https": one.secure}
	client := &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", places[scheme])
			},
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, _ := http.NewRequest(http.MethodGet, scheme+"://"+host+path, nil)
	for index := 0; index < len(headers); index += 2 {
		request.Header.Set(headers[index], headers[index+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer, string(text)
}

func pod(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(answer, "%s %s for=%q real=%q proto=%q", request.Host, request.RequestURI,
			request.Header.Get("X-Forwarded-For"), request.Header.Get("X-Real-Ip"), request.Header.Get("X-Forwarded-Proto"))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func lead(host, path string, secure bool, endpoints ...string) *table {
	return &table{routes: map[string][]route{host: {{path: path, secure: secure, endpoints: endpoints}}}}
}

func TestProxy(t *testing.T) {
	one, here := serve(t), pod(t)

	answer, _ := one.ask(t, "http", "nobody.example", "/")
	if answer.StatusCode != http.StatusNotFound {
		t.Error("nobody's:", answer.Status)
	}

	current.Store(lead("shop.example", "/a", false, here))
	_, text := one.ask(t, "http", "shop.example", "/a/b?c=%7Bd%7D", "X-Forwarded-For", "203.0.113.9", "X-Real-Ip", "203.0.113.9")
	if text != `shop.example /a/b?c=%7Bd%7D for="127.0.0.1" real="127.0.0.1" proto="http"` {
		t.Error(text)
	}
	if answer, _ = one.ask(t, "http", "shop.example", "/a/../b"); answer.StatusCode != http.StatusNotFound {
		t.Error("out of its path:", answer.Status)
	}

	// What would stand for something in a configuration stands for itself.
	current.Store(lead("shop.example", "/{env.HOME}", false, here))
	if answer, _ = one.ask(t, "http", "shop.example", "/root"); answer.StatusCode != http.StatusNotFound {
		t.Error("it was read:", answer.Status)
	}
	if answer, _ = one.ask(t, "http", "shop.example", "/%7Benv.HOME%7D"); answer.StatusCode != http.StatusOK {
		t.Error("it is a path:", answer.Status)
	}

	current.Store(lead("shop.example", "/", false))
	if answer, _ = one.ask(t, "http", "shop.example", "/"); answer.StatusCode != http.StatusServiceUnavailable {
		t.Error("no pod:", answer.Status)
	}

	// One of two has gone and nobody has been told yet.
	current.Store(lead("shop.example", "/", false, free(t), here))
	for range 6 {
		if answer, _ = one.ask(t, "http", "shop.example", "/"); answer.StatusCode != http.StatusOK {
			t.Error("another would have answered:", answer.Status)
		}
	}
}

func TestTLS(t *testing.T) {
	one, here := serve(t), pod(t)
	owner := ingress("x", "one", 1, rule("shop.example", networking.PathTypePrefix, "/", "a"))
	owner.Spec.TLS = []networking.IngressTLS{{Hosts: []string{"shop.example"}, SecretName: "own"}}
	found := world(map[string]string{"x/a": "127.0.0.1"}, owner)
	found.secrets["x/own"] = secret(t, "shop.example")
	made, _ := build(found)
	made.routes["shop.example"][0].endpoints = []string{here}
	current.Store(made)

	answer, _ := one.ask(t, "http", "shop.example", "/a?b=c")
	if answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "https://shop.example/a?b=c" {
		t.Error(answer.Status, answer.Header)
	}
	answer, text := one.ask(t, "https", "shop.example", "/a")
	if !strings.Contains(text, `proto="https"`) || answer.TLS.PeerCertificates[0].Subject.CommonName != "shop.example" {
		t.Error(text, answer.TLS.PeerCertificates[0].Subject)
	}
	if answer.ProtoMajor != 2 {
		t.Error(answer.Proto)
	}
	answer, _ = one.ask(t, "https", "other.example", "/")
	if answer.StatusCode != http.StatusNotFound || !strings.Contains(answer.TLS.PeerCertificates[0].Subject.CommonName, "Fake") {
		t.Error(answer.Status, answer.TLS.PeerCertificates[0].Subject)
	}

	// Who asks by address names nobody.
	answer, _ = one.ask(t, "https", "127.0.0.1", "/")
	if answer.StatusCode != http.StatusNotFound {
		t.Error(answer.Status)
	}

	// A certificate is renewed without a word to Caddy.
	found.secrets["x/own"] = secret(t, "shop.example", "also.example")
	made, _ = build(found)
	current.Store(made)
	answer, _ = one.ask(t, "https", "shop.example", "/")
	if len(answer.TLS.PeerCertificates[0].DNSNames) != 2 {
		t.Error("the old certificate")
	}
}
