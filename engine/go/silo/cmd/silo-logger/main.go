// Command silo-logger keeps what the containers of an instance say. They write into named pipes;
// it writes records with times into files that rotate, whatever becomes of containerd and Silo
// meanwhile, and ends when it has no container left and nobody asks it for anything.
//
// Whoever starts it gives it a listening socket as file 3. A question is one line: "open ID",
// "close ID"; the answer is one line too, empty when all is well.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const socketFile = 3

func main() {
	folder := flag.String("folder", "", "where the pipes are, a folder for each container")
	size := flag.Int64("size", 4<<20, "bytes after which a new file is begun")
	files := flag.Int("files", 3, "older files to keep")
	flag.Parse()
	if *folder == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "silo-logger --folder FOLDER [--size BYTES] [--files COUNT]")
		os.Exit(2)
	}
	if err := run(*folder, *size, *files); err != nil {
		fmt.Fprintln(os.Stderr, "silo-logger:", err)
		os.Exit(1)
	}
}

func run(folder string, size int64, files int) error {
	listener, err := net.FileListener(os.NewFile(socketFile, "socket"))
	if err != nil {
		return err
	}
	if err := waitForTurn(folder); err != nil {
		return err
	}
	k, err := openKeeper(folder, size, files)
	if err != nil {
		return err
	}
	if err := k.TakeUp(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- k.Run() }()
	idle := make(chan struct{})
	go serve(listener, k, idle)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err = <-failed:
	case <-idle:
	case <-stop:
	}
	k.Leave()
	return err
}

// waitForTurn waits until no other logger works on this folder: two would tear lines apart.
func waitForTurn(folder string) error {
	lock, err := syscall.Open(filepath.Clean(folder), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: folder, Err: err}
	}
	return again(func() error { return syscall.Flock(lock, syscall.LOCK_EX) })
}
