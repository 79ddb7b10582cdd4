package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func point[T any](value T) *T { return &value }

func backend(name string) networking.IngressBackend {
	port := networking.ServiceBackendPort{Number: 80}
	return networking.IngressBackend{Service: &networking.IngressServiceBackend{Name: name, Port: port}}
}

func ingress(space, name string, age int, rules ...networking.IngressRule) *networking.Ingress {
	made := meta.NewTime(time.Unix(1_000_000-int64(age), 0))
	return &networking.Ingress{
		ObjectMeta: meta.ObjectMeta{Namespace: space, Name: name, CreationTimestamp: made},
		Spec:       networking.IngressSpec{IngressClassName: point(class), Rules: rules},
	}
}

func rule(host string, kind networking.PathType, path, service string) networking.IngressRule {
	return networking.IngressRule{Host: host, IngressRuleValue: networking.IngressRuleValue{
		HTTP: &networking.HTTPIngressRuleValue{Paths: []networking.HTTPIngressPath{
			{Path: path, PathType: &kind, Backend: backend(service)},
		}},
	}}
}

// world has a service in each of two namespaces for every name, each with one pod of its own.
func world(places map[string]string, ingresses ...*networking.Ingress) seen {
	found := seen{
		ingresses, map[string]*core.Service{}, map[string][]*discovery.EndpointSlice{}, map[string]*core.Secret{},
	}
	for name, address := range places {
		found.services[name] = &core.Service{
			Spec: core.ServiceSpec{Ports: []core.ServicePort{{Name: "web", Port: 80}}},
		}
		found.slices[name] = []*discovery.EndpointSlice{{
			Ports:     []discovery.EndpointPort{{Name: point("web"), Port: point(int32(8080))}},
			Endpoints: []discovery.Endpoint{{Addresses: []string{address}}},
		}}
	}
	return found
}

func secret(t *testing.T, hosts ...string) *core.Secret {
	t.Helper()
	own, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := x509.MarshalPKCS8PrivateKey(own)
	return &core.Secret{Data: map[string][]byte{
		core.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		core.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}}
}

func leads(made *table, host, path string) string {
	if found := made.find(host, path); found != nil {
		return strings.Join(found.endpoints, " ")
	}
	return "nowhere"
}

func TestHostAndPathDecide(t *testing.T) {
	prefix, exact, any := networking.PathTypePrefix, networking.PathTypeExact, networking.PathTypeImplementationSpecific
	all := ingress("x", "all", 1)
	all.Spec.DefaultBackend = point(backend("last"))
	own := ingress("x", "own", 1, rule("own.example", prefix, "/here", "long"))
	own.Spec.DefaultBackend = point(backend("short"))
	made, refused := build(world(
		map[string]string{
			"x/short": "10.0.0.1", "x/long": "10.0.0.2", "x/exact": "10.0.0.3", "x/wild": "10.0.0.4",
			"x/last": "10.0.0.5", "x/bare": "10.0.0.6",
		},
		ingress("x", "one", 3, rule("shop.example", prefix, "/", "short"), rule("shop.example", prefix, "/foo/", "long")),
		ingress("x", "two", 2, rule("shop.example", exact, "/foo", "exact"), rule("*.example", any, "", "wild")),
		ingress("x", "three", 2, rule("", prefix, "/bare", "bare"), rule("odd.example", exact, "/a", "exact")),
		all, own,
	))
	for asked, wanted := range map[string]string{
		"shop.example /":        "10.0.0.1:8080",
		"SHOP.example. /x":      "10.0.0.1:8080",
		"shop.example /foo":     "10.0.0.3:8080",
		"shop.example /foo/":    "10.0.0.2:8080",
		"shop.example /foo/bar": "10.0.0.2:8080",
		"shop.example /foobar":  "10.0.0.1:8080",
		"a.example /x":          "10.0.0.4:8080",
		"a.b.example /x":        "10.0.0.5:8080",
		"other /bare/x":         "10.0.0.6:8080",
		"other /":               "10.0.0.5:8080",
		"odd.example /a":        "10.0.0.3:8080",
		"odd.example /bare":     "10.0.0.5:8080",
		"own.example /here":     "10.0.0.2:8080",
		"own.example /there":    "10.0.0.1:8080",
		"127.0.0.1 /":           "10.0.0.5:8080",
	} {
		host, path, _ := strings.Cut(asked, " ")
		if got := leads(made, host, path); got != wanted {
			t.Errorf("%s leads to %s", asked, got)
		}
	}
	if len(refused) > 0 {
		t.Error(refused)
	}
}

func TestOtherClassesAreLeftAlone(t *testing.T) {
	theirs := ingress("x", "theirs", 1, rule("a.example", networking.PathTypePrefix, "/", "a"))
	theirs.Spec.IngressClassName = point("nginx")
	noted := ingress("x", "noted", 1, rule("b.example", networking.PathTypePrefix, "/", "a"))
	noted.Spec.IngressClassName, noted.Annotations = nil, map[string]string{byNote: class}
	made, _ := build(world(map[string]string{"x/a": "10.0.0.1"}, theirs, noted))
	if leads(made, "a.example", "/") != "nowhere" || leads(made, "b.example", "/") != "10.0.0.1:8080" {
		t.Error(made.routes)
	}
}

func TestOlderKeepsWhatItHas(t *testing.T) {
	whole := networking.PathTypePrefix
	made, _ := build(world(
		map[string]string{"x/a": "10.0.0.1", "y/a": "10.0.0.2"},
		ingress("y", "thief", 1, rule("shop.example", whole, "/", "a")),
		ingress("x", "owner", 9, rule("shop.example", whole, "/", "a")),
	))
	if got := leads(made, "shop.example", "/"); got != "10.0.0.1:8080" {
		t.Error(got)
	}
}

func TestNobodyReachesIntoAnotherNamespace(t *testing.T) {
	whole := networking.PathTypePrefix
	thief := ingress("y", "thief", 1, rule("shop.example", whole, "/", "a"))
	thief.Spec.TLS = []networking.IngressTLS{
		{Hosts: []string{"shop.example"}, SecretName: "own"}, {Hosts: []string{"shop.example"}, SecretName: "../x/own"},
	}
	found := world(map[string]string{"x/a": "10.0.0.1"}, thief)
	found.secrets["x/own"] = secret(t, "shop.example")
	made, _ := build(found)
	if got := leads(made, "shop.example", "/"); got != "" {
		t.Error("another's pods: " + got)
	}
	if made.findCertificate("shop.example") != nil {
		t.Error("another's certificate")
	}
}

func TestCertificateIsForItsOwnHosts(t *testing.T) {
	whole := networking.PathTypePrefix
	one := ingress("x", "one", 1, rule("shop.example", whole, "/", "a"), rule("*.b.example", whole, "/", "a"))
	one.Spec.TLS = []networking.IngressTLS{
		{SecretName: "own"}, {Hosts: []string{"c.example"}, SecretName: "broken"},
	}
	found := world(map[string]string{"x/a": "10.0.0.1"}, one)
	found.secrets["x/own"] = secret(t, "shop.example", "*.b.example")
	found.secrets["x/broken"] = &core.Secret{Data: map[string][]byte{core.TLSCertKey: []byte("no")}}
	made, _ := build(found)
	for host, known := range map[string]bool{
		"shop.example": true, "x.b.example": true, "b.example": false, "c.example": false, "": false,
	} {
		if (made.findCertificate(host) != nil) != known {
			t.Errorf("%q", host)
		}
	}
	if !made.find("shop.example", "/").secure {
		t.Error("asked in the clear it should send to TLS")
	}
}

func TestWhatWouldBePassedOverIsRefused(t *testing.T) {
	for name, value := range map[string]string{
		notes + "server-snippet":        "location /x { alias /; }",
		notes + "configuration-snippet": "",
		notes + "rewrite-target":        "/$1",
		notes + "auth-url":              "http://a",
		notes + "ssl-redirect":          "maybe\n",
		protocol:                        "HTTPS",
		vault:                           "https://vault",
	} {
		odd := ingress("x", "odd", 1, rule("a.example", networking.PathTypePrefix, "/", "a"))
		odd.Annotations = map[string]string{name: value}
		made, refused := build(world(map[string]string{"x/a": "10.0.0.1"}, odd))
		if !strings.Contains(refused["x/odd"], name) || leads(made, "a.example", "/") != "nowhere" {
			t.Error(name, refused)
		}
	}
	odd := ingress("x", "odd", 1)
	odd.Spec.DefaultBackend = &networking.IngressBackend{Resource: &core.TypedLocalObjectReference{Name: "x"}}
	if _, refused := build(world(nil, odd)); refused["x/odd"] == "" {
		t.Error("a resource is no backend")
	}
}

func TestOnlyPodsAnswer(t *testing.T) {
	one := ingress("x", "one", 1, rule("a.example", networking.PathTypePrefix, "/", "a"))
	found := world(map[string]string{"x/a": "10.0.0.1"}, one)
	found.slices["x/a"][0].Endpoints = append(found.slices["x/a"][0].Endpoints,
		discovery.Endpoint{Addresses: []string{"{env.KUBERNETES_SERVICE_HOST}"}},
		discovery.Endpoint{
			Addresses:  []string{"10.0.0.2"},
			Conditions: discovery.EndpointConditions{Ready: point(false), Serving: point(true)},
		})
	made, _ := build(found)
	if got := leads(made, "a.example", "/"); got != "10.0.0.1:8080" {
		t.Error(got)
	}
	found.slices["x/a"][0].Endpoints = found.slices["x/a"][0].Endpoints[2:]
	made, _ = build(found)
	if got := leads(made, "a.example", "/"); got != "10.0.0.2:8080" {
		t.Error("who still serves: " + got)
	}
	found.services["x/a"].Spec.Type = core.ServiceTypeExternalName
	made, _ = build(found)
	if got := leads(made, "a.example", "/"); got != "" {
		t.Error("a name elsewhere: " + got)
	}
}
