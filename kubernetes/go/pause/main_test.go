package main

import (
	"os/exec"
	"testing"
	"time"
)

func TestEveryOrphanIsBuried(t *testing.T) {
	for range 3 {
		if err := exec.Command("/bin/true").Start(); err != nil {
			t.Fatal(err)
		}
	}
	buried := 0
	for deadline := time.Now().Add(30 * time.Second); buried < 3 && time.Now().Before(deadline); {
		buried += reap()
	}
	if buried != 3 {
		t.Fatalf("buried %d of 3", buried)
	}
}
