package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func attempt(t *testing.T, line string, files map[string]string) (int, string, error) {
	t.Helper()
	folder := t.TempDir()
	work := filepath.Join(folder, "work")
	must(t, os.Mkdir(work, 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "line"), []byte(line), 0o600))
	archive := filepath.Join(folder, "files.zip")
	if files != nil {
		var packed bytes.Buffer
		writer := zip.NewWriter(&packed)
		for name, text := range files {
			entry, err := writer.Create(name)
			must(t, err)
			_, err = entry.Write([]byte(text))
			must(t, err)
		}
		must(t, writer.Close())
		must(t, os.WriteFile(archive, packed.Bytes(), 0o600))
	}
	var out bytes.Buffer
	status, err := run(filepath.Join(folder, "line"), archive, work, &out)
	return status, out.String(), err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreBesideTheCommand(t *testing.T) {
	status, said, err := attempt(t, "cat a.txt; cat sub/b.txt && echo $((1 + 1))",
		map[string]string{"a.txt": "one\n", "./sub/b.txt": "two\n"})
	must(t, err)
	if status != 0 || said != "one\ntwo\n2\n" {
		t.Fatalf("%d %q", status, said)
	}
}

func TestStatusIsTheCommands(t *testing.T) {
	status, said, err := attempt(t, "echo well >&2; exit 7", nil)
	must(t, err)
	if status != 7 || said != "well\n" {
		t.Fatalf("%d %q", status, said)
	}
}

func TestUnknownProgramIsTold(t *testing.T) {
	if status, said, _ := attempt(t, "nothing-of-that-name", nil); status != 127 || said == "" {
		t.Fatalf("%d %q", status, said)
	}
}

func TestLineThatCannotBeReadIsRefused(t *testing.T) {
	if status, _, err := attempt(t, "if then (", nil); status != 2 || err == nil {
		t.Fatalf("%d %v", status, err)
	}
}

func TestFilesStayInTheirFolder(t *testing.T) {
	for _, name := range []string{"../out.txt", "/out.txt", "a/../../out.txt"} {
		if status, _, err := attempt(t, "echo done", map[string]string{name: "x"}); status == 0 {
			t.Fatalf("%s was taken: %v", name, err)
		}
	}
}
