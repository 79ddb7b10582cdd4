// Command silo-init starts a container's program with environment variables that are in no
// container specification: silo-init FILE PROGRAM [ARGUMENT...].
//
// FILE holds NAME=value, each ended by NUL, as /proc/PID/environ does. It lies in memory and is
// readable by the container's own user alone. What it sets wins over what the specification set.
//
// silo-init --rest does nothing until it is told to end: what keeps a sandbox there while the
// containers in it come and go.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// As every shell does it.
const (
	cannotExecute = 126
	notFound      = 127
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--rest" {
		rest()
		return
	}
	if len(os.Args) < 3 {
		fail(2, errors.New("silo-init FILE PROGRAM [ARGUMENT...]"))
	}
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(cannotExecute, err)
	}
	environment := merge(os.Environ(), content)
	program, err := find(os.Args[2], environment)
	if err == nil {
		err = syscall.Exec(program, os.Args[2:], environment)
	}
	if errors.Is(err, os.ErrNotExist) {
		fail(notFound, fmt.Errorf("%s: %w", os.Args[2], err))
	}
	fail(cannotExecute, fmt.Errorf("%s: %w", os.Args[2], err))
}

func rest() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	<-told
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "silo-init:", err)
	os.Exit(code)
}

// merge returns the environment with the file's variables in it, each name once.
func merge(environment []string, content []byte) []string {
	var added []string
	names := map[string]bool{}
	for _, pair := range bytes.Split(content, []byte{0}) {
		name, _, ok := strings.Cut(string(pair), "=")
		if ok && name != "" {
			names[name] = true
			added = append(added, string(pair))
		}
	}
	var kept []string
	for _, pair := range environment {
		if name, _, _ := strings.Cut(pair, "="); !names[name] {
			kept = append(kept, pair)
		}
	}
	return append(kept, added...)
}

// find returns the path of a program, looked up in the PATH that it will have itself.
func find(name string, environment []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	problem := error(os.ErrNotExist)
	for _, folder := range filepath.SplitList(lookUp(environment, "PATH")) {
		if folder == "" {
			folder = "."
		}
		path := folder + "/" + name
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0:
			return path, nil
		case err == nil:
			problem = os.ErrPermission
		}
	}
	return "", problem
}

func lookUp(environment []string, name string) string {
	for i := len(environment) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(environment[i], name+"="); ok {
			return value
		}
	}
	return ""
}
