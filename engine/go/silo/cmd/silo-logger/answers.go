package main

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// serve answers questions; it closes idle when whoever asked last has gone and nothing is kept.
func serve(listener net.Listener, k *keeper, idle chan<- struct{}) {
	var asking atomic.Int64
	for {
		connection, err := listener.Accept()
		if err != nil {
			close(idle)
			return
		}
		asking.Add(1)
		go func() {
			converse(connection, k)
			if asking.Add(-1) == 0 && k.Count() == 0 {
				_ = listener.Close()
			}
		}()
	}
}

func converse(connection net.Conn, k *keeper) {
	defer func() { _ = connection.Close() }()
	questions := bufio.NewScanner(connection)
	for questions.Scan() {
		said := ""
		if err := answer(k, questions.Text()); err != nil {
			said = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if _, err := fmt.Fprintln(connection, said); err != nil {
			return
		}
	}
}

func answer(k *keeper, question string) error {
	verb, id, _ := strings.Cut(question, " ")
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return fmt.Errorf("%q is no container", id)
	}
	switch verb {
	case "open":
		return k.Open(id)
	case "close":
		return k.Close(id)
	default:
		return fmt.Errorf("%q is no question", verb)
	}
}
