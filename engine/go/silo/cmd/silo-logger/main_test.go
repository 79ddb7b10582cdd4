package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func pipe(t *testing.T) (*os.File, *os.File) {
	t.Helper()
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = from.Close(); _ = to.Close() })
	return from, to
}

func say(t *testing.T, to *os.File, text string) {
	t.Helper()
	if _, err := to.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// texts returns what the records say, without their times.
func texts(t *testing.T, path string) string {
	t.Helper()
	var found []string
	for _, record := range strings.Split(strings.TrimSuffix(read(t, path), "\n"), "\n") {
		_, text, _ := strings.Cut(record, " ")
		found = append(found, text)
	}
	return strings.Join(found, "|")
}

func TestStreamIsKeptUntilItsEnd(t *testing.T) {
	from, to := pipe(t)
	path := filepath.Join(t.TempDir(), "log")
	say(t, to, "one\ntwo")
	_ = to.Close()
	record(from, "stderr", openRotating(path, 1000, 1), &ending{})
	if got := texts(t, path); got != "stderr F one|stderr P two" {
		t.Fatal(got)
	}
}

func TestPromptIsKeptWhileTheProgramWaits(t *testing.T) {
	from, to := pipe(t)
	path := filepath.Join(t.TempDir(), "log")
	ended := make(chan struct{})
	go func() {
		record(from, "stdout", openRotating(path, 1000, 1), &ending{})
		close(ended)
	}()
	say(t, to, "name? ")
	for range 100 {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := texts(t, path); got != "stdout P name? " {
		t.Fatal(got)
	}
	say(t, to, "me\n")
	_ = to.Close()
	<-ended
	if got := texts(t, path); got != "stdout P name? |stdout F me" {
		t.Fatal(got)
	}
}

func TestWhatIsInThePipeIsKeptWhenAskedToEnd(t *testing.T) {
	from, to := pipe(t)
	path := filepath.Join(t.TempDir(), "log")
	var end ending
	say(t, to, "last words\n")
	end.begin(time.Now().Add(50*time.Millisecond), from)
	record(from, "stdout", openRotating(path, 1000, 1), &end)
	if got := texts(t, path); got != "stdout F last words" {
		t.Fatal(got)
	}
}

func TestFullDiskDoesNotStopTheContainer(t *testing.T) {
	from, to := pipe(t)
	go func() {
		for range 100 {
			_, _ = to.WriteString(strings.Repeat("x", 10000) + "\n")
		}
		_ = to.Close()
	}()
	record(from, "stdout", openRotating(t.TempDir()+"/no/such/folder", 1000, 1), &ending{})
}
