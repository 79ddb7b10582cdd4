package main

import (
	"errors"
	"os"
	"syscall"
	"time"
)

const (
	// most is what a pipe holds (man 7 pipe).
	most = 64 << 10
	// idleTime is after what time the beginning of a line is kept as it is: a prompt has no end.
	idleTime = 100 * time.Millisecond

	noWait   = 0x02 // SPLICE_F_NONBLOCK
	pipeSize = 1032 // F_GETPIPE_SZ
)

// stream is one of a container's two outputs: a named pipe, held open in both directions, so that
// it keeps what is in it whoever goes.
type stream struct {
	name string
	pipe int
	log  *rotating
	// due is when the beginning of a line that is in the pipe is told; zero if there is none.
	due time.Time
}

// workshop is what streams are read with, one after the other.
type workshop struct {
	peek    [2]int
	nowhere int
	held    []byte
	records []byte
}

func openWorkshop() (*workshop, error) {
	w := &workshop{held: make([]byte, most)}
	if err := syscall.Pipe2(w.peek[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	nowhere, err := syscall.Open(os.DevNull, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	w.nowhere = nowhere
	return w, err
}

// record writes what a stream holds to its log, and only then takes it out of the pipe: whoever
// kills us in between finds it there again. It returns how many bytes that were; after none, there
// is no more for now.
//
// A log that cannot be written does not stop the container: what it says is lost.
func (w *workshop) record(s *stream, all bool) (int, error) {
	held, err := w.look(s.pipe)
	if err != nil || len(held) == 0 {
		s.due = time.Time{}
		return 0, err
	}
	now := time.Now()
	records, used := split(w.records[:0], now, s.name, held, all)
	w.records = records[:0]
	if cap(w.records) > 4*most {
		w.records = nil // many empty lines
	}
	if used > 0 {
		_, _ = s.log.Write(records)
		if err := w.take(s.pipe, used); err != nil {
			return 0, err
		}
		s.due = time.Time{}
	}
	if used < len(held) && s.due.IsZero() {
		s.due = now.Add(idleTime)
	}
	return used, nil
}

// look returns what is in a pipe and leaves it there.
func (w *workshop) look(pipe int) ([]byte, error) {
	var count int64
	err := again(func() (err error) {
		count, err = syscall.Tee(pipe, w.peek[1], most, noWait)
		return err
	})
	if errors.Is(err, syscall.EAGAIN) {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("tee", err)
	}
	held := w.held[:count]
	for got := 0; got < len(held); {
		err := again(func() error {
			part, err := syscall.Read(w.peek[0], held[got:])
			got += max(part, 0)
			return err
		})
		if err != nil {
			return nil, os.NewSyscallError("read", err)
		}
	}
	return held, nil
}

// room returns how many bytes a pipe can hold: a container may have changed it.
func (s *stream) room() int {
	size, _, failed := syscall.Syscall(syscall.SYS_FCNTL, uintptr(s.pipe), pipeSize, 0)
	if failed != 0 {
		return most
	}
	return int(size)
}

// take removes bytes from a pipe.
func (w *workshop) take(pipe, count int) error {
	for count > 0 {
		err := again(func() error {
			part, err := syscall.Splice(pipe, nil, w.nowhere, nil, count, noWait)
			count -= int(max(part, 0))
			return err
		})
		if err != nil {
			return os.NewSyscallError("splice", err)
		}
	}
	return nil
}

func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
