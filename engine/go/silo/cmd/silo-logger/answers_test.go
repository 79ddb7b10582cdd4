package main

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestQuestionsAreAnsweredUntilNobodyIsLeft(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1000)
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	idle := make(chan struct{})
	go serve(listener, k, idle)
	connection, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewScanner(connection)
	for _, each := range []struct {
		question string
		well     bool
	}{
		{"open app", true}, {"open app", true}, {"open ../app", false}, {"open ", false},
		{"open nothing", false}, {"burn app", false}, {"close app", true}, {"close app", true},
	} {
		if _, err := fmt.Fprintln(connection, each.question); err != nil || !answers.Scan() {
			t.Fatal(err, answers.Err())
		}
		if well := answers.Text() == ""; well != each.well {
			t.Fatalf("%s: %s", each.question, answers.Text())
		}
	}
	_ = connection.Close()
	select {
	case <-idle:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}
