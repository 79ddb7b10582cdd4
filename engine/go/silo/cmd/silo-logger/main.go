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
	"sync/atomic"
	"syscall"
	"time"
)

const (
	stdoutFile = 3
	stderrFile = 4
	readyFile  = 5
	// drainTime is for what is still in the pipes when we are asked to end.
	drainTime = time.Second
	// idleTime is after what silence a piece of a line is kept as it is.
	idleTime = 100 * time.Millisecond
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
	var end ending
	go func() {
		<-stop
		end.begin(time.Now().Add(drainTime), stdout, stderr)
	}()
	_ = os.NewFile(readyFile, "ready").Close()

	var streams sync.WaitGroup
	streams.Go(func() { record(stdout, "stdout", log, &end) })
	streams.Go(func() { record(stderr, "stderr", log, &end) })
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

// ending is when we were asked to end: streams are read until then.
type ending struct{ at atomic.Pointer[time.Time] }

func (e *ending) begin(at time.Time, streams ...stream) {
	e.at.Store(&at)
	for _, one := range streams {
		_ = one.SetReadDeadline(at)
	}
}

type stream interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// record copies a stream until its end. A log that cannot be written does not stop the container:
// what it says is read and lost.
func record(from stream, name string, log io.Writer, end *ending) {
	lines := newLines(name, time.Now)
	buffer := make([]byte, 64<<10)
	for {
		wait(from, lines.Pending(), end)
		count, err := from.Read(buffer)
		records := lines.Add(buffer[:count])
		idle := errors.Is(err, os.ErrDeadlineExceeded) && end.at.Load() == nil
		if err != nil {
			// A prompt has no newline, and the shim holds the pipe open for as long as it lives.
			records = append(records, lines.Flush()...)
		}
		if len(records) > 0 {
			_, _ = log.Write(records)
		}
		if err != nil && !idle {
			return
		}
	}
}

// wait sets how long the next read may take. Whoever begins the ending stores its time first and
// sets the deadline then, so that one of us two always sets the last one.
func wait(from stream, pending bool, end *ending) {
	deadline := time.Time{}
	if pending {
		deadline = time.Now().Add(idleTime)
	}
	_ = from.SetReadDeadline(deadline)
	if at := end.at.Load(); at != nil {
		_ = from.SetReadDeadline(*at)
	}
}
