// The first process of every pod: it holds the pod's namespaces and buries its orphans.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			os.Exit(0)
		}
		reap()
	}
}

// reap takes every child that has ended: several may have, behind one signal.
func reap() int {
	for count := 0; ; count++ {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		for err == syscall.EINTR {
			pid, err = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
		if pid <= 0 || err != nil {
			return count
		}
	}
}
