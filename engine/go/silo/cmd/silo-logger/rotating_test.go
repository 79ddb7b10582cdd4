package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, r *rotating, text string) {
	t.Helper()
	if count, err := r.Write([]byte(text)); err != nil || count != len(text) {
		t.Fatal(count, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestFullFileGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	r := openRotating(path, 8, 2)
	for number := range 8 {
		write(t, r, fmt.Sprintf("%d23\n", number))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "623\n723\n", ".1": "423\n523\n", ".2": "223\n323\n"} {
		if got := read(t, path+name); got != want {
			t.Fatalf("%s holds %q", name, got)
		}
	}
	if _, err := os.Stat(path + ".3"); !os.IsNotExist(err) {
		t.Fatal("too many files are kept")
	}
}

func TestManyRecordsAtOnceAreSpreadOverFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	r := openRotating(path, 8, 3)
	write(t, r, "123\n456\n789\n")
	if read(t, path) != "789\n" || read(t, path+".1") != "123\n456\n" {
		t.Fatal(read(t, path), read(t, path+".1"))
	}
}

func TestRecordLongerThanTheLimitIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	long := strings.Repeat("x", 20) + "\n"
	write(t, openRotating(path, 8, 1), long)
	if read(t, path) != long {
		t.Fatal(read(t, path))
	}
}

func TestNextLoggerGoesOnWhereTheLastOneWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("whole\ncut of"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := openRotating(path, 100, 1)
	write(t, r, "next\n")
	if read(t, path) != "whole\nnext\n" || r.size != 11 {
		t.Fatal(read(t, path), r.size)
	}
}

func TestLogThatCannotBeOpenedIsTriedAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	r := openRotating(filepath.Join(folder, "log"), 100, 1)
	if _, err := r.Write([]byte("lost\n")); err == nil {
		t.Fatal("no error")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, r, "kept\n")
	if read(t, filepath.Join(folder, "log")) != "kept\n" {
		t.Fatal("not kept")
	}
}

func TestOthersMayNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	openRotating(path, 100, 1)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
}
