package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stage is a container's folder, as whoever makes containers makes it.
type stage struct {
	folder, path   string
	stdout, stderr *os.File
}

func setStage(t *testing.T) stage {
	t.Helper()
	s := stage{folder: t.TempDir(), path: filepath.Join(t.TempDir(), "log")}
	place := filepath.Join(s.folder, "app")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	open := func(name string) *os.File {
		pipe := filepath.Join(place, name)
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(pipe, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	s.stdout, s.stderr = open("stdout"), open("stderr")
	if err := os.Symlink(s.path, filepath.Join(place, linkName)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s stage) open(t *testing.T, limit int64) *keeper {
	t.Helper()
	k, err := openKeeper(s.folder, limit, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func say(t *testing.T, to *os.File, text string) {
	t.Helper()
	if _, err := to.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// await returns what the records say, without their times, once it is this much.
func (s stage) await(t *testing.T, want string) {
	t.Helper()
	got := ""
	for range 500 {
		content, _ := os.ReadFile(s.path)
		var found []string
		for _, record := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
			_, text, _ := strings.Cut(record, " ")
			found = append(found, text)
		}
		if got = strings.Join(found, "|"); got == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%q, not %q", got, want)
}

func TestStreamsAreKeptWhileTheContainerRuns(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1000)
	go func() { _ = k.Run() }()
	if err := k.Open("app"); err != nil {
		t.Fatal(err)
	}
	say(t, s.stdout, "one\n")
	s.await(t, "stdout F one")
	say(t, s.stderr, "name? ")
	s.await(t, "stdout F one|stderr P name? ")
	say(t, s.stderr, "me\n")
	s.await(t, "stdout F one|stderr P name? |stderr F me")
}

func TestAllThatWasSaidIsThereWhenTheContainerIsClosed(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1000)
	if err := k.Open("app"); err != nil {
		t.Fatal(err)
	}
	say(t, s.stdout, "last\nwords")
	for range 2 {
		if err := k.Close("app"); err != nil {
			t.Fatal(err)
		}
	}
	s.await(t, "stdout F last|stdout P words")
	if k.Count() != 0 {
		t.Fatal("still kept")
	}
}

func TestContainerThatWritesWithoutEndIsClosed(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1<<30)
	if err := k.Open("app"); err != nil {
		t.Fatal(err)
	}
	log, end, err := os.Pipe() // the logger waits until a record of it is read
	if err != nil {
		t.Fatal(err)
	}
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, end.Fd(), pipeSize-1, 4096)
	k.containers["app"].log.file = end
	line := strings.Repeat("x", 10000) + "\n"
	say(t, s.stdout, line)
	go func() { _ = k.Close("app") }()
	records := bufio.NewReaderSize(log, 16)
	for range 100 {
		say(t, s.stdout, line) // before the logger can look again
		if _, err := records.ReadString('\n'); err == io.EOF {
			return
		}
	}
	t.Fatal("it is written for ever")
}

func TestAllOfAWidenedPipeIsThereWhenTheContainerIsClosed(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1<<30)
	if err := k.Open("app"); err != nil {
		t.Fatal(err)
	}
	const wide, lines = 256 << 10, 200
	if _, _, failed := syscall.Syscall(syscall.SYS_FCNTL, s.stdout.Fd(), pipeSize-1, wide); failed != 0 {
		t.Skip(failed)
	}
	for range lines {
		say(t, s.stdout, strings.Repeat("x", 1000)+"\n")
	}
	if err := k.Close("app"); err != nil {
		t.Fatal(err)
	}
	if count := strings.Count(read(t, s.path), "\n"); count != lines {
		t.Fatal(count)
	}
}

func TestWhatIsInThePipeIsKeptByTheNextLogger(t *testing.T) {
	s := setStage(t)
	say(t, s.stdout, "while nobody\nlooked")
	k := s.open(t, 1000)
	if err := k.TakeUp(); err != nil || k.Count() != 1 {
		t.Fatal(err, k.Count())
	}
	go func() { _ = k.Run() }()
	s.await(t, "stdout F while nobody|stdout P looked")
}

func TestWhatIsNotWrittenYetStaysInThePipe(t *testing.T) {
	s := setStage(t)
	say(t, s.stdout, "one\ntw")
	w, err := openWorkshop()
	if err != nil {
		t.Fatal(err)
	}
	pipe := int(s.stdout.Fd())
	_ = syscall.SetNonblock(pipe, true)
	for range 2 {
		if held, err := w.look(pipe); err != nil || string(held) != "one\ntw" {
			t.Fatal(string(held), err)
		}
	}
	if err := w.take(pipe, 4); err != nil {
		t.Fatal(err)
	}
	if held, err := w.look(pipe); err != nil || string(held) != "tw" {
		t.Fatal(string(held), err)
	}
}

func TestFullDiskDoesNotStopTheContainer(t *testing.T) {
	s := setStage(t)
	if err := os.Mkdir(s.path, 0o700); err != nil { // no file can be there
		t.Fatal(err)
	}
	k := s.open(t, 1000)
	if err := k.Open("app"); err != nil {
		t.Fatal(err)
	}
	go func() { _ = k.Run() }()
	for range 100 {
		say(t, s.stdout, strings.Repeat("x", 10000)+"\n")
	}
	// Or it makes its file while the folder is removed.
	if err := k.Close("app"); err != nil {
		t.Fatal(err)
	}
}

func TestMuchIsKeptInFull(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1<<30)
	if err := k.Open("app"); err != nil {
		t.Fatal(err)
	}
	go func() { _ = k.Run() }()
	text := strings.Repeat("x", 1000) + "\n"
	for range 2000 {
		say(t, s.stdout, text)
	}
	if err := k.Close("app"); err != nil {
		t.Fatal(err)
	}
	content := read(t, s.path)
	if strings.Count(content, "F "+text) != 2000 || strings.Count(content, "\n") != 2000 {
		t.Fatal(strings.Count(content, "\n"))
	}
}

func TestContainerWithoutPipesIsRefused(t *testing.T) {
	s := setStage(t)
	k := s.open(t, 1000)
	if err := os.Remove(filepath.Join(s.folder, "app", "stderr")); err != nil {
		t.Fatal(err)
	}
	if err := k.Open("app"); err == nil || len(k.streams) != 0 {
		t.Fatal(err, k.streams)
	}
	if err := k.Open("other"); err == nil {
		t.Fatal("no error")
	}
}
