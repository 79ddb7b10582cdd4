package main

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
)

const (
	class       = "webapprouting.kubernetes.azure.com"
	byNote      = "kubernetes.io/ingress.class"
	notes       = "nginx.ingress.kubernetes.io/"
	redirecting = notes + "ssl-redirect"
	forcing     = notes + "force-ssl-redirect"
	protocol    = notes + "backend-protocol"
	vault       = "kubernetes.azure.com/tls-cert-keyvault-uri"
	anyHost     = ""
)

// seen is what the API server holds of what routes are made of.
type seen struct {
	ingresses []*networking.Ingress
	services  map[string]*core.Service
	slices    map[string][]*discovery.EndpointSlice
	secrets   map[string]*core.Secret
}

// route is where a path of a host leads.
type route struct {
	path      string
	exact     bool
	last      bool // asked when no other fits
	secure    bool // asked in the clear, the answer is to ask again with TLS
	endpoints []string
}

// table is all that is needed to answer: plain values, which nothing is interpreted in.
type table struct {
	routes       map[string][]route
	certificates map[string]*tls.Certificate
}

// build returns the table, and why an Ingress of ours has no part in it, by its key.
func build(found seen) (*table, map[string]string) {
	made := &table{map[string][]route{}, map[string]*tls.Certificate{}}
	refused := map[string]string{}
	ours := []*networking.Ingress{}
	for _, one := range found.ingresses {
		if isOurs(one) && one.DeletionTimestamp == nil {
			ours = append(ours, one)
		}
	}
	// Where two want the same, it is the older one's.
	sort.Slice(ours, func(i, j int) bool {
		one, other := ours[i], ours[j]
		if !one.CreationTimestamp.Equal(&other.CreationTimestamp) {
			return one.CreationTimestamp.Before(&other.CreationTimestamp)
		}
		return key(one.Namespace, one.Name) < key(other.Namespace, other.Name)
	})
	for _, one := range ours {
		if reason := refuse(one); reason != "" {
			refused[key(one.Namespace, one.Name)] = reason
			continue
		}
		made.addCertificates(one, found)
		made.addRoutes(one, found)
	}
	for _, routes := range made.routes {
		sort.SliceStable(routes, func(i, j int) bool {
			one, other := routes[i], routes[j]
			if one.last != other.last {
				return other.last
			}
			if one.exact != other.exact {
				return one.exact
			}
			return len(one.path) > len(other.path)
		})
	}
	return made, refused
}

func isOurs(one *networking.Ingress) bool {
	if one.Spec.IngressClassName != nil {
		return *one.Spec.IngressClassName == class
	}
	return one.Annotations[byNote] == class
}

// refuse says what an Ingress asks for that would be passed over.
func refuse(one *networking.Ingress) string {
	for name, value := range one.Annotations {
		switch {
		case name == redirecting || name == forcing:
			if _, err := strconv.ParseBool(value); err != nil {
				return fmt.Sprintf("The annotation %s is neither true nor false.", name)
			}
		case name == protocol:
			if !strings.EqualFold(value, "HTTP") {
				return fmt.Sprintf("The annotation %s knows HTTP alone.", name)
			}
		case strings.HasPrefix(name, notes) || name == vault:
			return fmt.Sprintf("The annotation %s is not supported.", name)
		}
	}
	backends := []*networking.IngressBackend{}
	if one.Spec.DefaultBackend != nil {
		backends = append(backends, one.Spec.DefaultBackend)
	}
	for _, rule := range one.Spec.Rules {
		if rule.HTTP != nil {
			for index := range rule.HTTP.Paths {
				backends = append(backends, &rule.HTTP.Paths[index].Backend)
			}
		}
	}
	for _, backend := range backends {
		if backend.Service == nil {
			return "A backend is a service; others are not supported."
		}
	}
	return ""
}

func (made *table) addRoutes(one *networking.Ingress, found seen) {
	if one.Spec.DefaultBackend != nil {
		hosts := []string{}
		for _, rule := range one.Spec.Rules {
			hosts = append(hosts, rule.Host)
		}
		if len(hosts) == 0 {
			hosts = []string{anyHost}
		}
		for _, host := range hosts {
			way := route{path: "/", last: true, endpoints: found.list(one, one.Spec.DefaultBackend)}
			made.add(host, way)
		}
	}
	for _, rule := range one.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		secure := isSecure(one, rule.Host)
		for index := range rule.HTTP.Paths {
			path := &rule.HTTP.Paths[index]
			exact := path.PathType != nil && *path.PathType == networking.PathTypeExact
			way := route{path: path.Path, exact: exact, secure: secure}
			way.endpoints = found.list(one, &path.Backend)
			if way.path == "" {
				way.path = "/"
			}
			made.add(rule.Host, way)
		}
	}
}

func (made *table) add(host string, way route) {
	for _, other := range made.routes[host] {
		if other.path == way.path && other.exact == way.exact && other.last == way.last {
			return
		}
	}
	made.routes[host] = append(made.routes[host], way)
}

// isSecure tells whether a host that has a certificate is to be asked with TLS alone.
func isSecure(one *networking.Ingress, host string) bool {
	if forced, _ := strconv.ParseBool(one.Annotations[forcing]); forced {
		return true
	}
	if wanted, err := strconv.ParseBool(one.Annotations[redirecting]); err == nil && !wanted {
		return false
	}
	for _, section := range one.Spec.TLS {
		for _, named := range listHosts(one, section) {
			if named == host {
				return true
			}
		}
	}
	return false
}

// addCertificates takes those of the Ingress's own namespace, for the hosts that they are for.
func (made *table) addCertificates(one *networking.Ingress, found seen) {
	for _, section := range one.Spec.TLS {
		secret := found.secrets[key(one.Namespace, section.SecretName)]
		if secret == nil {
			continue
		}
		pair, err := tls.X509KeyPair(secret.Data[core.TLSCertKey], secret.Data[core.TLSPrivateKeyKey])
		if err != nil {
			continue
		}
		for _, host := range listHosts(one, section) {
			sample := strings.Replace(host, "*", "any", 1)
			if made.certificates[host] == nil && pair.Leaf.VerifyHostname(sample) == nil {
				made.certificates[host] = &pair
			}
		}
	}
}

func listHosts(one *networking.Ingress, section networking.IngressTLS) []string {
	if len(section.Hosts) > 0 {
		return section.Hosts
	}
	hosts := []string{}
	for _, rule := range one.Spec.Rules {
		hosts = append(hosts, rule.Host)
	}
	return hosts
}

// list returns the addresses of the pods behind a service of the Ingress's own namespace.
func (found seen) list(one *networking.Ingress, backend *networking.IngressBackend) []string {
	name := key(one.Namespace, backend.Service.Name)
	service := found.services[name]
	if service == nil || service.Spec.Type == core.ServiceTypeExternalName {
		return nil
	}
	wanted := backend.Service.Port
	for _, port := range service.Spec.Ports {
		if (wanted.Name != "" && port.Name == wanted.Name) || (wanted.Name == "" && port.Port == wanted.Number) {
			return found.listReady(name, port.Name)
		}
	}
	return nil
}

// listReady returns who is ready; where nobody is, who still serves while it goes.
func (found seen) listReady(service, port string) []string {
	ready, leaving := []string{}, []string{}
	for _, slice := range found.slices[service] {
		number := findPort(slice, port)
		if number == 0 || slice.AddressType == discovery.AddressTypeFQDN {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			for _, text := range endpoint.Addresses {
				address, err := netip.ParseAddr(text)
				if err != nil {
					continue
				}
				place := netip.AddrPortFrom(address, number).String()
				if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
					ready = append(ready, place)
				} else if endpoint.Conditions.Serving != nil && *endpoint.Conditions.Serving {
					leaving = append(leaving, place)
				}
			}
		}
	}
	if len(ready) == 0 {
		ready = leaving
	}
	sort.Strings(ready)
	return ready
}

func findPort(slice *discovery.EndpointSlice, name string) uint16 {
	for _, port := range slice.Ports {
		if port.Port != nil && (port.Name == nil && name == "" || port.Name != nil && *port.Name == name) {
			return uint16(*port.Port)
		}
	}
	return 0
}

// find returns where a request leads; the host decides, then the path.
func (made *table) find(host, path string) *route {
	for _, name := range candidates(host) {
		routes, known := made.routes[name]
		if !known {
			continue
		}
		for index := range routes {
			if routes[index].fits(path) {
				return &routes[index]
			}
		}
		if name != anyHost {
			break
		}
	}
	return made.findLast()
}

// findLast returns where requests lead that no rule is about.
func (made *table) findLast() *route {
	for index := range made.routes[anyHost] {
		if one := &made.routes[anyHost][index]; one.last {
			return one
		}
	}
	return nil
}

func (one *route) fits(path string) bool {
	if one.exact {
		return path == one.path
	}
	prefix := strings.TrimRight(one.path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func (made *table) findCertificate(host string) *tls.Certificate {
	for _, name := range candidates(host) {
		if found := made.certificates[name]; found != nil && name != anyHost {
			return found
		}
	}
	return nil
}

// candidates returns a host's own name, the pattern that stands for it, and any.
func candidates(host string) []string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, parent, found := strings.Cut(host, ".")
	if !found {
		return []string{host, anyHost}
	}
	return []string{host, "*." + parent, anyHost}
}

func key(namespace, name string) string { return namespace + "/" + name }
