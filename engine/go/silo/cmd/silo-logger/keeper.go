package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// linkName is the entry beside a container's pipes that says where its log is.
	linkName = "log"
	// edge has us told of every write once, not for as long as the beginning of a line waits.
	edge   = syscall.EPOLLIN | 1<<31 // EPOLLET
	events = 64
)

// container is what is kept of one: two pipes and the log that they go to.
type container struct {
	log     *rotating
	streams []*stream
}

// keeper keeps what all containers of an instance say. Each has a folder with the pipes "stdout"
// and "stderr" and the link "log"; whoever comes after us finds all in these folders.
type keeper struct {
	folder string
	size   int64
	files  int
	epoll  int

	lock       sync.Mutex
	workshop   *workshop
	containers map[string]*container
	streams    map[int32]*stream
}

func openKeeper(folder string, size int64, files int) (*keeper, error) {
	workshop, err := openWorkshop()
	if err != nil {
		return nil, err
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &keeper{
		folder: folder, size: size, files: files, epoll: epoll, workshop: workshop,
		containers: map[string]*container{}, streams: map[int32]*stream{},
	}, nil
}

// TakeUp opens every container that there is a folder of.
func (k *keeper) TakeUp() error {
	links, err := filepath.Glob(filepath.Join(k.folder, "*", linkName))
	for _, link := range links {
		// One that cannot be read keeps no other from being: what it says waits in its pipes.
		if err := k.Open(filepath.Base(filepath.Dir(link))); err != nil {
			fmt.Fprintln(os.Stderr, "silo-logger: a container is not read:", err)
		}
	}
	return err
}

// Open keeps what a container says from now on, and what is in its pipes already; repeatable.
func (k *keeper) Open(id string) error {
	k.lock.Lock()
	defer k.lock.Unlock()
	if _, held := k.containers[id]; held {
		return nil
	}
	folder := filepath.Join(k.folder, id)
	path, err := os.Readlink(filepath.Join(folder, linkName))
	if err != nil {
		return err
	}
	made := &container{log: openRotating(path, k.size, k.files)}
	for _, name := range []string{"stdout", "stderr"} {
		if err := k.open(made, name, filepath.Join(folder, name)); err != nil {
			k.drop(made)
			_ = made.log.Close()
			return err
		}
	}
	k.containers[id] = made
	return nil
}

func (k *keeper) open(owner *container, name, path string) error {
	const flags = syscall.O_RDWR | syscall.O_NONBLOCK | syscall.O_CLOEXEC | syscall.O_NOFOLLOW
	pipe, err := syscall.Open(path, flags, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	s := &stream{name: name, pipe: pipe, log: owner.log}
	owner.streams = append(owner.streams, s)
	k.streams[int32(pipe)] = s
	// What is in it already is an event as well.
	event := syscall.EpollEvent{Events: edge, Fd: int32(pipe)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(k.epoll, syscall.EPOLL_CTL_ADD, pipe, &event))
}

// Close writes away all that a container has said and lets go of it; repeatable.
func (k *keeper) Close(id string) error {
	held := k.finish(id)
	if held == nil {
		return nil
	}
	return held.log.Close()
}

func (k *keeper) finish(id string) *container {
	k.lock.Lock()
	defer k.lock.Unlock()
	held := k.containers[id]
	if held == nil {
		return nil
	}
	for _, s := range held.streams {
		// All that was said by now, and no more: one that is not gone yet may write for ever, and
		// all others wait for the lock.
		for left := s.room(); left > 0; {
			used, err := k.workshop.record(s, true)
			if used == 0 || err != nil {
				break
			}
			left -= used
		}
	}
	delete(k.containers, id)
	k.drop(held)
	return held
}

func (k *keeper) drop(held *container) {
	for _, s := range held.streams {
		delete(k.streams, int32(s.pipe))
		_ = syscall.Close(s.pipe)
	}
}

// Count returns how many containers are kept.
func (k *keeper) Count() int {
	k.lock.Lock()
	defer k.lock.Unlock()
	return len(k.containers)
}

// Leave makes what was said survive a power cut; no more is written.
func (k *keeper) Leave() {
	k.lock.Lock() // for ever
	for _, held := range k.containers {
		_ = held.log.Close()
	}
}

// Run writes away what containers say, for ever.
func (k *keeper) Run() error {
	var happened [events]syscall.EpollEvent
	stirred := map[int32]bool{}
	for {
		wait := k.due(len(stirred) > 0)
		count, err := syscall.EpollWait(k.epoll, happened[:], wait)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, event := range happened[:max(count, 0)] {
			stirred[event.Fd] = true
		}
		if err := k.turn(stirred); err != nil {
			return err
		}
	}
}

// due returns how many milliseconds to wait at most; -1 is for ever.
func (k *keeper) due(stirred bool) int {
	if stirred {
		return 0
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	wait := -1
	for _, s := range k.streams {
		if !s.due.IsZero() {
			left := max(0, int(time.Until(s.due).Milliseconds())+1)
			if wait < 0 || left < wait {
				wait = left
			}
		}
	}
	return wait
}

// turn gives every stream that has something to say one go.
func (k *keeper) turn(stirred map[int32]bool) error {
	k.lock.Lock()
	defer k.lock.Unlock()
	now := time.Now()
	for pipe, s := range k.streams {
		late := !s.due.IsZero() && !now.Before(s.due)
		if !late && !stirred[pipe] {
			continue
		}
		used, err := k.workshop.record(s, late)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if used == 0 {
			delete(stirred, pipe)
		}
	}
	for pipe := range stirred {
		if k.streams[pipe] == nil {
			delete(stirred, pipe)
		}
	}
	return nil
}
