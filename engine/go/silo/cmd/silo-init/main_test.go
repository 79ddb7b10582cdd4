package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets this test binary be silo-init itself.
func TestMain(m *testing.M) {
	if os.Getenv("BE_SILO_INIT") != "" {
		_ = os.Unsetenv("BE_SILO_INIT")
		main()
	}
	os.Exit(m.Run())
}

func run(t *testing.T, content string, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "environment")
	if err := os.WriteFile(file, []byte(content), 0o400); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0], append([]string{file}, args...)...)
	command.Env = []string{"BE_SILO_INIT=1", "PLAIN=kept", "BOTH=specification", "PATH=/usr/bin:/bin"}
	output, err := command.CombinedOutput()
	return string(output), err
}

func TestProgramHasTheSecretsAndWhatWasSetBefore(t *testing.T) {
	output, err := run(t, "SECRET=a=b\nc\x00BOTH=file\x00EMPTY=\x00", "env", "-0")
	if err != nil {
		t.Fatal(err, output)
	}
	lines := strings.Split(strings.Trim(output, "\x00"), "\x00")
	slices.Sort(lines)
	want := []string{"BOTH=file", "EMPTY=", "PATH=/usr/bin:/bin", "PLAIN=kept", "SECRET=a=b\nc"}
	if !slices.Equal(lines, want) {
		t.Fatalf("got %q", lines)
	}
}

func TestExitCodeIsTheProgramsOwn(t *testing.T) {
	_, err := run(t, "", "sh", "-c", "exit 42")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 42 {
		t.Fatal(err)
	}
}

func TestProgramThatIsNotThereEndsAsInAShell(t *testing.T) {
	output, err := run(t, "SECRET=value\x00", "no-such-program")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != notFound {
		t.Fatal(err)
	}
	if strings.Contains(output, "value") {
		t.Fatal("the secret is in the error")
	}
}

func TestFileThatMayNotRunEndsAsInAShell(t *testing.T) {
	_, err := run(t, "", "/etc/passwd")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != cannotExecute {
		t.Fatal(err)
	}
}

func TestSecretPathDecidesWhereTheProgramIsFound(t *testing.T) {
	if _, err := run(t, "PATH=/nowhere\x00", "env"); err == nil {
		t.Fatal("found")
	}
}

func TestPairsWithoutNameAreLeftOut(t *testing.T) {
	if got := merge(nil, []byte("=x\x00word\x00A=1")); !slices.Equal(got, []string{"A=1"}) {
		t.Fatalf("got %q", got)
	}
}
