// Ingress is the proxy of a cluster's app routing: Caddy, told by the cluster's API where requests
// lead.
//
// It serves the Ingresses of one class. What an Ingress may ask for are hosts, paths, services and
// certificates of its own namespace; there is nothing to write snippets of configuration in.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	plainAt, secureAt, healthAt = ":8080", ":8443", ":10254"
	gather                      = 20 * time.Millisecond
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if stranger, err = makeStranger(time.Now()); err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	watched, err := watch(ctx, client, changed)
	if err != nil {
		return err
	}
	first, refused := build(watched.look())
	current.Store(first)
	register()
	if err := caddy.Run(describe(plainAt, secureAt)); err != nil {
		return err
	}
	var leaving atomic.Bool
	go serveHealth(&leaving)
	teller := newTeller(client)
	teller.tell(ctx, watched, refused)
	for {
		select {
		case <-changed:
			time.Sleep(gather)
			select {
			case <-changed:
			default:
			}
			made, refused := build(watched.look())
			current.Store(made)
			teller.tell(ctx, watched, refused)
		case <-ctx.Done():
			// No longer ready, but answering until load balancers have seen it.
			leaving.Store(true)
			time.Sleep(3 * time.Second)
			return caddy.Stop()
		}
	}
}

func serveHealth(leaving *atomic.Bool) {
	answer := func(writer http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/readyz" && leaving.Load() {
			writer.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	server := &http.Server{Addr: healthAt, Handler: http.HandlerFunc(answer), ReadHeaderTimeout: time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// watched is what informers keep of the cluster.
type watched struct {
	factory, secret informers.SharedInformerFactory
}

func watch(ctx context.Context, client kubernetes.Interface, changed chan struct{}) (*watched, error) {
	certificatesOnly := informers.WithTweakListOptions(func(options *meta.ListOptions) {
		options.FieldSelector = "type=" + string(core.SecretTypeTLS)
	})
	made := &watched{
		informers.NewSharedInformerFactory(client, 0),
		informers.NewSharedInformerFactoryWithOptions(client, 0, certificatesOnly),
	}
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(any, any) { tell() },
		DeleteFunc: func(any) { tell() },
	}
	for _, informer := range []cache.SharedIndexInformer{
		made.factory.Networking().V1().Ingresses().Informer(),
		made.factory.Core().V1().Services().Informer(),
		made.factory.Discovery().V1().EndpointSlices().Informer(),
		made.secret.Core().V1().Secrets().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	for _, factory := range []informers.SharedInformerFactory{made.factory, made.secret} {
		factory.Start(ctx.Done())
		for kind, done := range factory.WaitForCacheSync(ctx.Done()) {
			if !done {
				return nil, fmt.Errorf("%v are not told of", kind)
			}
		}
	}
	return made, nil
}

func (made *watched) listIngresses() []*networking.Ingress {
	found, _ := made.factory.Networking().V1().Ingresses().Lister().List(labels.Everything())
	return found
}

func (made *watched) look() seen {
	found := seen{
		made.listIngresses(),
		map[string]*core.Service{},
		map[string][]*discovery.EndpointSlice{},
		map[string]*core.Secret{},
	}
	services, _ := made.factory.Core().V1().Services().Lister().List(labels.Everything())
	for _, one := range services {
		found.services[key(one.Namespace, one.Name)] = one
	}
	slices, _ := made.factory.Discovery().V1().EndpointSlices().Lister().List(labels.Everything())
	for _, one := range slices {
		name := key(one.Namespace, one.Labels[discovery.LabelServiceName])
		found.slices[name] = append(found.slices[name], one)
	}
	secrets, _ := made.secret.Core().V1().Secrets().Lister().List(labels.Everything())
	for _, one := range secrets {
		found.secrets[key(one.Namespace, one.Name)] = one
	}
	return found
}
