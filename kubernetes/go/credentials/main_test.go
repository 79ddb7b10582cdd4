package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const asked = `{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderRequest","image":"%s/app:1"}`

// serve stands for the node's metadata endpoint and for a registry that knows one token.
func serve(t *testing.T, token string) (*httptest.Server, provider) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/metadata/identity/oauth2/token":
			if r.Header.Get("Metadata") != "true" || r.URL.Query().Get("resource") != "api://registry" {
				w.WriteHeader(http.StatusBadRequest)
			}
			_, _ = w.Write([]byte(`{"access_token":"the node's"}`))
		case r.URL.Path == "/oauth2/exchange" && r.FormValue("access_token") == token && r.FormValue("service") == r.Host:
			_, _ = w.Write([]byte(`{"refresh_token":"for a while"}`))
		default:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(r.FormValue("access_token")))
		}
	}))
	t.Cleanup(server.Close)
	return server, provider{server.URL, "api://registry", "http", server.Client()}
}

func ask(t *testing.T, p provider, host string) (response, error) {
	var out bytes.Buffer
	var said response
	err := p.answer(t.Context(), strings.NewReader(strings.Replace(asked, "%s", host, 1)), &out)
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &said)
	}
	return said, err
}

func TestTheNodesTokenIsExchangedForTheRegistrys(t *testing.T) {
	server, p := serve(t, "the node's")
	host := strings.TrimPrefix(server.URL, "http://")
	said, err := ask(t, p, host)
	if err != nil {
		t.Fatal(err)
	}
	if said.Auth[host] != (login{nobody, "for a while"}) || said.CacheKeyType != "Registry" {
		t.Fatalf("answered %+v", said)
	}
}

func TestARefusalGivesNothingAndRepeatsNoToken(t *testing.T) {
	server, p := serve(t, "somebody else's")
	said, err := ask(t, p, strings.TrimPrefix(server.URL, "http://"))
	if err == nil || said.Auth != nil || strings.Contains(err.Error(), "the node's") {
		t.Fatalf("answered %+v, %v", said, err)
	}
	if !strings.Contains(err.Error(), "401") {
		t.Fatalf("does not say why: %v", err)
	}
}

func TestAnImageWithoutARegistryIsNotAskedFor(t *testing.T) {
	_, p := serve(t, "the node's")
	var out bytes.Buffer
	in := strings.NewReader(strings.Replace(asked, "%s/", "", 1))
	if err := p.answer(t.Context(), in, &out); err == nil || out.Len() > 0 {
		t.Fatalf("answered %s", out.String())
	}
}
