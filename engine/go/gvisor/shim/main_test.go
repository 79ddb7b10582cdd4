package main

import (
	"os"
	"testing"
)

func TestContainersOfOneSandboxShareAShim(t *testing.T) {
	spec := []byte(`{"annotations": {"io.kubernetes.cri.sandbox-id": "group"}}`)
	if group, err := groupIn(spec, "second"); err != nil || group != "group" {
		t.Fatalf("got %q, %v", group, err)
	}
}

func TestContainerWithoutSandboxHasAShimOfItsOwn(t *testing.T) {
	if group, err := groupIn([]byte(`{}`), "alone"); err != nil || group != "alone" {
		t.Fatalf("got %q, %v", group, err)
	}
}

func TestKernelThatForbidsALowerScoreIsNoObstacle(t *testing.T) {
	// Whether this machine has CAP_SYS_RESOURCE or not.
	if err := lowerOOMScore(os.Getpid()); err != nil {
		t.Fatal(err)
	}
}

func TestProcessThatIsGoneIsAnError(t *testing.T) {
	if err := lowerOOMScore(1 << 30); err == nil {
		t.Fatal("no error")
	}
}
