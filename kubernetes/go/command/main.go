// A command as somebody gave it to a cluster: its files unpacked, its line run by a shell.
//
// The image holds nothing else, so the shell is Go's and knows a few programs itself; kubectl is
// mounted beside it.
package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"mvdan.cc/sh/moreinterp/coreutils"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

const kubernetes = "/kubernetes"

// What the files of one command may come to, unpacked.
const most = 64 << 20

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: command LINE-FILE ZIP-FILE FOLDER")
		os.Exit(2)
	}
	status, err := run(os.Args[1], os.Args[2], os.Args[3], os.Stdout)
	if err != nil {
		fmt.Println(err)
	}
	os.Exit(status)
}

// run gives standard error into the same stream: there is one log, in the order of what was said.
func run(line, archive, folder string, out io.Writer) (int, error) {
	text, err := os.ReadFile(line)
	if err != nil {
		return 1, err
	}
	if err := unpack(archive, folder); err != nil {
		return 1, err
	}
	parsed, err := syntax.NewParser().Parse(strings.NewReader(string(text)), "command")
	if err != nil {
		return 2, err
	}
	shell, err := interp.New(
		interp.StdIO(nil, out, out),
		interp.Dir(folder),
		interp.ExecHandlers(findKubectl, coreutils.ExecHandler),
	)
	if err != nil {
		return 1, err
	}
	err = shell.Run(context.Background(), parsed)
	var status interp.ExitStatus
	if errors.As(err, &status) {
		return int(status), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// findKubectl runs it where the node has it: one program with every component of Kubernetes in it.
func findKubectl(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, words []string) error {
		if words[0] == "kubectl" {
			words = append([]string{kubernetes}, words...)
		}
		return next(ctx, words)
	}
}

func unpack(archive, folder string) error {
	reader, err := zip.OpenReader(archive)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the attached files cannot be read: %w", err)
	}
	defer reader.Close()
	// Nothing gets out of the folder, whatever an entry is called or links to.
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(most)
	for _, entry := range reader.File {
		name := filepath.Clean(entry.Name)
		if strings.HasSuffix(entry.Name, "/") {
			if err := root.MkdirAll(name, 0o700); err != nil {
				return err
			}
			continue
		}
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		written, err := write(root, name, entry, left)
		if err != nil {
			return err
		}
		if left -= written; left <= 0 {
			return errors.New("the attached files are too large")
		}
	}
	return nil
}

func write(root *os.Root, name string, entry *zip.File, left int64) (int64, error) {
	source, err := entry.Open()
	if err != nil {
		return 0, err
	}
	defer source.Close()
	target, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600|entry.Mode().Perm())
	if err != nil {
		return 0, err
	}
	written, err := io.Copy(target, io.LimitReader(source, left))
	return written, errors.Join(err, target.Close())
}
