// Command silo-logger keeps what a container says: containerd starts it (binary://) with the
// container's standard output as file 3 and standard error as file 4, and waits until file 5 is
// closed. It ends with the container, whatever becomes of containerd and Silo meanwhile.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	stdoutFile = 3
	stderrFile = 4
	readyFile  = 5
	// drainTime is for what is still in the pipes when we are asked to end.
	drainTime = time.Second
)

func main() {
	path := flag.String("path", "", "the newest file")
	size := flag.Int64("size", 4<<20, "bytes after which a new file is begun")
	files := flag.Int("files", 3, "older files to keep")
	flag.Parse()
	if *path == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "silo-logger --path FILE [--size BYTES] [--files COUNT]")
		os.Exit(2)
	}
	log := openRotating(*path, *size, *files)
	stdout, stderr := openPipe(stdoutFile, "stdout"), openPipe(stderrFile, "stderr")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		deadline := time.Now().Add(drainTime)
		_ = stdout.SetReadDeadline(deadline)
		_ = stderr.SetReadDeadline(deadline)
	}()
	_ = os.NewFile(readyFile, "ready").Close()

	var streams sync.WaitGroup
	streams.Go(func() { record(stdout, "stdout", log) })
	streams.Go(func() { record(stderr, "stderr", log) })
	streams.Wait()
	if err := log.Close(); err != nil {
		os.Exit(1)
	}
}

func openPipe(descriptor int, name string) *os.File {
	// Only then does Go know deadlines on it.
	_ = syscall.SetNonblock(descriptor, true)
	return os.NewFile(uintptr(descriptor), name)
}

// record copies a stream until its end. A log that cannot be written does not stop the container:
// what it says is read and lost.
func record(stream io.Reader, name string, log io.Writer) {
	lines := newLines(name, time.Now)
	buffer := make([]byte, 64<<10)
	for {
		count, err := stream.Read(buffer)
		if records := lines.Add(buffer[:count]); len(records) > 0 {
			_, _ = log.Write(records)
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if records := lines.End(); len(records) > 0 {
		_, _ = log.Write(records)
	}
}
