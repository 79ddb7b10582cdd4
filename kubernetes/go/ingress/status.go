package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

const (
	namespace = "app-routing-system"
	service   = "nginx"
)

// teller says in the cluster what became of an Ingress: its address, or why it is not served.
type teller struct {
	client  kubernetes.Interface
	events  record.EventRecorder
	refused map[types.UID]string
}

func newTeller(client kubernetes.Interface) *teller {
	sender := record.NewBroadcaster()
	sender.StartRecordingToSink(&typed.EventSinkImpl{Interface: client.CoreV1().Events("")})
	source := core.EventSource{Component: "app-routing"}
	return &teller{client, sender.NewRecorder(scheme.Scheme, source), map[types.UID]string{}}
}

func (one *teller) tell(ctx context.Context, watched *watched, refused map[string]string) {
	own, err := watched.factory.Core().V1().Services().Lister().Services(namespace).Get(service)
	if err != nil {
		return
	}
	address := translate(own.Status.LoadBalancer)
	for _, ingress := range watched.listIngresses() {
		if !isOurs(ingress) {
			continue
		}
		wanted, reason := address, refused[key(ingress.Namespace, ingress.Name)]
		if reason != "" {
			wanted = nil
		}
		if reason != one.refused[ingress.UID] && reason != "" {
			one.events.Event(ingress, core.EventTypeWarning, "Rejected", reason)
		}
		one.refused[ingress.UID] = reason
		if len(wanted) == 0 && len(ingress.Status.LoadBalancer.Ingress) == 0 {
			continue
		}
		if !reflect.DeepEqual(wanted, ingress.Status.LoadBalancer.Ingress) {
			one.write(ctx, ingress, wanted)
		}
	}
}

func (one *teller) write(ctx context.Context, ingress *networking.Ingress, wanted []networking.IngressLoadBalancerIngress) {
	status := map[string]any{"loadBalancer": map[string]any{"ingress": wanted}}
	patch, _ := json.Marshal(map[string]any{"status": status})
	where := one.client.NetworkingV1().Ingresses(ingress.Namespace)
	if _, err := where.Patch(ctx, ingress.Name, types.MergePatchType, patch, meta.PatchOptions{}, "status"); err != nil {
		fmt.Fprintln(os.Stderr, "status is not written:", err)
	}
}

func translate(status core.LoadBalancerStatus) []networking.IngressLoadBalancerIngress {
	var found []networking.IngressLoadBalancerIngress
	for _, one := range status.Ingress {
		found = append(found, networking.IngressLoadBalancerIngress{IP: one.IP, Hostname: one.Hostname})
	}
	return found
}
