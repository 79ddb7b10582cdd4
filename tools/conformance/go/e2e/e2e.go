// Package conformance pins upstream's end-to-end tests and the programs that they run.
package conformance

import _ "k8s.io/kubernetes/test/e2e"
