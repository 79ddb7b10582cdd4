package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// facts: what the container sees of itself and of the machine.
func facts(_ []string) {
	host, _ := os.Hostname()
	directory, _ := os.Getwd()
	told := map[string]any{
		"hostname": host, "uid": os.Getuid(), "gid": os.Getgid(), "directory": directory,
		"arguments": os.Args, "environment": os.Environ(),
		"status": statusLines(), "namespaces": namespaces(), "processes": processes(),
		"devices": names("/dev"), "interfaces": names("/sys/class/net"),
		"mounts": lines("/proc/self/mountinfo"), "uidMap": lines("/proc/self/uid_map"),
		"resolv": lines("/etc/resolv.conf"), "hosts": lines("/etc/hosts"),
		"kernel": strings.Join(lines("/proc/version"), ""),
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		told["files"] = limit.Max
	}
	for _, masked := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts"} {
		if readable(masked) {
			told["unmasked"] = masked
		}
	}
	tell(told)
}

func statusLines() map[string]string {
	found := map[string]string{}
	for _, line := range lines("/proc/self/status") {
		name, value, _ := strings.Cut(line, ":")
		found[name] = strings.TrimSpace(value)
	}
	return found
}

func namespaces() map[string]string {
	found := map[string]string{}
	for _, name := range names("/proc/self/ns") {
		found[name], _ = os.Readlink(filepath.Join("/proc/self/ns", name))
	}
	return found
}

func processes() map[string]string {
	found := map[string]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil {
			words := strings.ReplaceAll(string(text), "\x00", " ")
			found[strings.Split(path, "/")[2]] = strings.TrimSpace(words)
		}
	}
	return found
}

func readable(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	count, _ := file.Read(make([]byte, 16))
	return count > 0
}

func names(folder string) []string {
	found := []string{}
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func lines(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return []string{}
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}
