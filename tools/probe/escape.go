package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"
)

// An attempt to get out, or to touch what belongs to the machine. An error is how it was refused;
// none means that it was let through, and the words tell how far it came.
type attempt func() (string, error)

var attempts = map[string]attempt{
	"bpf":                 tryBPF,
	"cgroup-mount":        tryCgroupMount,
	"cgroup-release":      tryCgroupRelease,
	"chroot":              tryChroot,
	"clock":               tryClock,
	"device-node":         tryDeviceNode,
	"devices-of-machine":  tryMachineDevices,
	"file-handle":         tryFileHandle,
	"io-uring":            func() (string, error) { return try(sysIOUringSetup, 1, pointer(&[15]uint64{}), 0) },
	"kexec":               func() (string, error) { return try(sysKexecLoad, 0, 0, 0) },
	"keyring-add":         tryKeyringAdd,
	"keyring-read":        func() (string, error) { return try(sysKeyctl, 0, keySpecSession, 1) },
	"module-delete":       func() (string, error) { return try(sysDeleteModule, text("silo_none"), 0, 0) },
	"module-load":         func() (string, error) { return try(sysInitModule, pointer(&[8]byte{}), 8, text("")) },
	"module-load-file":    func() (string, error) { return try(sysFinitModule, 0, text(""), 0) },
	"mount-bind":          func() (string, error) { return mounted("/proc", syscall.MS_BIND, "") },
	"mount-procfs":        func() (string, error) { return mounted("proc", 0, "proc") },
	"mount-sysfs":         func() (string, error) { return mounted("sysfs", 0, "sysfs") },
	"mount-tmpfs":         func() (string, error) { return mounted("tmpfs", 0, "tmpfs") },
	"namespace-join":      tryJoin,
	"namespace-mount":     func() (string, error) { return unshared(syscall.CLONE_NEWNS) },
	"namespace-net":       func() (string, error) { return unshared(syscall.CLONE_NEWNET) },
	"namespace-user":      func() (string, error) { return unshared(syscall.CLONE_NEWUSER) },
	"network-admin":       tryNetworkAdmin,
	"perf":                func() (string, error) { return try(sysPerfEventOpen, pointer(&[128]byte{}), 0, ^uintptr(0)) },
	"proc-core-pattern":   func() (string, error) { return writable("/proc/sys/kernel/core_pattern") },
	"proc-forwarding":     func() (string, error) { return writable("/proc/sys/net/ipv4/ip_forward") },
	"proc-init-root":      tryInitRoot,
	"proc-irq":            func() (string, error) { return writable("/proc/irq/default_smp_affinity") },
	"proc-modprobe":       func() (string, error) { return writable("/proc/sys/kernel/modprobe") },
	"proc-overcommit":     func() (string, error) { return writable("/proc/sys/vm/overcommit_memory") },
	"proc-remount":        tryRemount,
	"proc-sysrq":          trySysRq,
	"proc-unmask":         func() (string, error) { return try(syscall.SYS_UMOUNT2, text("/proc/sys"), 2, 0) },
	"ptrace-foreign":      tryTrace,
	"quota":               func() (string, error) { return try(syscall.SYS_QUOTACTL, 0x800001<<8, 0, 0) },
	"reboot":              func() (string, error) { return try(syscall.SYS_REBOOT, 0, 0, 0) },
	"set-user-id":         trySetUser,
	"socket-packet":       func() (string, error) { return socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0x0300) },
	"socket-raw":          func() (string, error) { return socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP) },
	"socket-vsock":        func() (string, error) { return socket(40, syscall.SOCK_STREAM, 0) },
	"swap":                func() (string, error) { return try(syscall.SYS_SWAPON, text("/none"), 0, 0) },
	"sys-cgroup":          trySysCgroup,
	"sys-uevent-helper":   func() (string, error) { return writable("/sys/kernel/uevent_helper") },
	"sys-hugepages":       func() (string, error) { return writable("/sys/kernel/mm/transparent_hugepage/enabled") },
	"transparent-address": tryForeignAddress,
	"userfault":           func() (string, error) { return try(sysUserfaultfd, 0, 0, 0) },
}

// escape all|NAME… [marker=FILE]: try, and tell each attempt's end in a line of its own.
func escape(arguments []string) {
	wanted := []string{}
	for _, name := range arguments {
		if file, marked := strings.CutPrefix(name, "marker="); marked {
			marker = file
		} else if name == "all" {
			for each := range attempts {
				wanted = append(wanted, each)
			}
		} else {
			wanted = append(wanted, name)
		}
	}
	sort.Strings(wanted)
	for _, name := range wanted {
		one, known := attempts[name]
		if !known {
			fail("no such attempt: %s", name)
		}
		// In a process of its own: an attempt may change or end the one it is made in.
		if len(wanted) > 1 {
			command := exec.Command("/proc/self/exe", "escape", name, "marker="+marker)
			output, err := command.CombinedOutput()
			if err != nil {
				words := fmt.Sprintf("%v: %s", err, firstLine(output))
				tell(map[string]any{"attempt": name, "refused": true, "said": words})
			} else {
				os.Stdout.Write(output)
			}
			continue
		}
		runtime.LockOSThread()
		words, err := one()
		if err != nil {
			words = strings.TrimSpace(words + " " + err.Error())
		}
		tell(map[string]any{"attempt": name, "refused": err != nil, "said": words})
	}
}

func firstLine(output []byte) string {
	line, _, _ := strings.Cut(string(output), "\n")
	return line
}

// A file that only the machine's root has; reading it is the proof of having left.
var marker = "/none"

func readMarker(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, marker))
	return "the machine's file says " + strings.TrimSpace(string(content)), err
}

func writable(path string) (string, error) {
	before, _ := os.ReadFile(path)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	// What it holds already: an attempt that is let through breaks nothing.
	if _, err = file.Write(before); errors.Is(err, syscall.EINVAL) {
		err = nil // Some tell what they hold otherwise than they want it told.
	}
	return path + " was written to", err
}

func scratch() string {
	for _, parent := range []string{"/tmp", "/dev/shm", "/"} {
		_ = os.MkdirAll(parent, 0o777)
		if folder, err := os.MkdirTemp(parent, "probe"); err == nil {
			return folder
		}
	}
	return "/proc"
}

func mounted(source string, flags uintptr, kind string) (string, error) {
	return "mounted " + source, syscall.Mount(source, scratch(), kind, flags, "")
}

func socket(family, kind, protocol int) (string, error) {
	_, err := syscall.Socket(family, kind, protocol)
	return fmt.Sprintf("socket %d %d", family, kind), err
}

func unshared(flags uintptr) (string, error) {
	command := exec.Command("/proc/self/exe", "echo", "inside")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	output, err := command.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}
