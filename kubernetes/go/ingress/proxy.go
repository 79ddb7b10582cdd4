package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/certmagic"

	_ "github.com/caddyserver/caddy/v2/modules/caddytls"
)

// current is the table in force, and stranger the certificate of hosts that have none.
var (
	current  atomic.Pointer[table]
	stranger *tls.Certificate
)

type chosen struct{}

// The proxy's configuration never changes: tenants' words are in the table alone, where nothing
// stands for anything else, and a change of the table breaks no connection.
func describe(plain, secure string) *caddy.Config {
	routes := `[{"handle": [
		{"handler": "ingress"},
		{"handler": "reverse_proxy",
		 "dynamic_upstreams": {"source": "ingress"},
		 "headers": {"request": {"set": {"X-Real-Ip": ["{http.request.remote.host}"]}}},
		 "transport": {"protocol": "http", "dial_timeout": "2s", "versions": ["1.1"]},
		 "load_balancing": {"selection_policy": {"policy": "round_robin"},
		  "try_duration": "4s", "try_interval": "50ms"}}]}]`
	common := `"automatic_https": {"disable": true}, "read_header_timeout": "30s",
		"idle_timeout": "75s", "routes": ` + routes
	apps := map[string]string{
		"http": `{"grace_period": "10s", "servers": {
			"plain": {"listen": ["` + plain + `"], "protocols": ["h1"], ` + common + `},
			"secure": {"listen": ["` + secure + `"], "protocols": ["h1", "h2"],
			 "tls_connection_policies": [{}], ` + common + `}}}`,
		"tls": `{"disable_storage_check": true, "disable_storage_clean": true,
			"disable_ocsp_stapling": true,
			"automation": {"policies": [{"get_certificate": [{"via": "ingress"}]}]}}`,
	}
	made := caddy.ModuleMap{}
	for name, text := range apps {
		made[name] = json.RawMessage(text)
	}
	no := false
	return &caddy.Config{
		Admin:   &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: &no}},
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "WARN"}}}},
		AppsRaw: made,
	}
}

func register() {
	caddy.RegisterModule(router{})
	caddy.RegisterModule(upstreams{})
	caddy.RegisterModule(certificates{})
}

// router finds where a request leads, or answers itself.
type router struct{}

func (router) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.ingress", New: func() caddy.Module { return router{} }}
}

func (router) ServeHTTP(answer http.ResponseWriter, request *http.Request, next caddyhttp.Handler) error {
	host := request.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	found := current.Load().find(host, caddyhttp.CleanPath(request.URL.Path, true))
	switch {
	case found == nil:
		http.Error(answer, "default backend - 404", http.StatusNotFound)
		return nil
	case found.secure && request.TLS == nil:
		answer.Header().Set("Location", "https://"+host+request.URL.RequestURI())
		answer.WriteHeader(http.StatusPermanentRedirect)
		return nil
	case len(found.endpoints) == 0:
		http.Error(answer, "503 Service Temporarily Unavailable", http.StatusServiceUnavailable)
		return nil
	}
	// Only where it leads from now on is looked up again, when a pod does not answer.
	look := func() []string {
		if now := current.Load().find(host, caddyhttp.CleanPath(request.URL.Path, true)); now != nil {
			return now.endpoints
		}
		return nil
	}
	return next.ServeHTTP(answer, request.WithContext(context.WithValue(request.Context(), chosen{}, look)))
}

// upstreams tells the proxy which pods may answer.
type upstreams struct{}

func (upstreams) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID: "http.reverse_proxy.upstreams.ingress", New: func() caddy.Module { return upstreams{} },
	}
}

func (upstreams) GetUpstreams(request *http.Request) ([]*reverseproxy.Upstream, error) {
	look, _ := request.Context().Value(chosen{}).(func() []string)
	found := []*reverseproxy.Upstream{}
	if look != nil {
		for _, place := range look() {
			found = append(found, &reverseproxy.Upstream{Dial: place})
		}
	}
	return found, nil
}

// certificates shows each host's own; it always has one, so that nobody is asked for any.
type certificates struct{}

func (certificates) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID: "tls.get_certificate.ingress", New: func() caddy.Module { return certificates{} },
	}
}

func (certificates) GetCertificate(_ context.Context, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if found := current.Load().findCertificate(hello.ServerName); found != nil {
		return found, nil
	}
	return stranger, nil
}

// makeStranger makes the certificate that says that there is none.
func makeStranger(now time.Time) (*tls.Certificate, error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "Kubernetes Ingress Controller Fake Certificate"},
		DNSNames:     []string{"ingress.local"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(10, 0, 0),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(raw)
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: own, Leaf: leaf}, err
}

var (
	_ caddyhttp.MiddlewareHandler = router{}
	_ reverseproxy.UpstreamSource = upstreams{}
	_ certmagic.Manager           = certificates{}
)
