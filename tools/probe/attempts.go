package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// Numbers on x86-64 that the standard library does not name.
const (
	sysBPF           = 321
	sysDeleteModule  = 176
	sysFinitModule   = 313
	sysInitModule    = 175
	sysIOUringSetup  = 425
	sysKexecLoad     = 246
	sysKeyctl        = 250
	sysAddKey        = 248
	sysOpenByHandle  = 304
	sysPerfEventOpen = 298
	sysSetns         = 308
	sysUserfaultfd   = 323

	keySpecSession = ^uintptr(2)

	cgroup, cgroup2 = 0x27e0eb, 0x63677270
)

var errNone = errors.New("nothing there to try it on")

func text(words string) uintptr {
	bytes, _ := syscall.BytePtrFromString(words)
	kept = append(kept, bytes)
	return uintptr(unsafe.Pointer(bytes))
}

// What system calls were given as numbers stays alive here.
var kept []any

func pointer[T any](value *T) uintptr {
	kept = append(kept, value)
	return uintptr(unsafe.Pointer(value))
}

// try a call whose arguments are wrong on purpose: only a refusal of the right to make it counts.
func try(number, first, second, third uintptr) (string, error) {
	_, _, code := syscall.RawSyscall6(number, first, second, third, 0, 0, 0)
	switch code {
	case syscall.EPERM, syscall.EACCES, syscall.ENOSYS:
		return "", code
	case 0:
		return "the call succeeded", nil
	}
	return fmt.Sprintf("the call was let through to %v", code), nil
}

func tryBPF() (string, error) {
	// A map of four bytes to four bytes, the least there is.
	attributes := [32]uint32{2, 4, 4, 1}
	return try(sysBPF, 0, pointer(&attributes), 128)
}

func tryKeyringAdd() (string, error) {
	_, _, code := syscall.RawSyscall6(
		sysAddKey, text("user"), text("probe"), text("x"), 1, keySpecSession, 0)
	if code != 0 {
		return "", code
	}
	return "a key was added", nil
}

func tryClock() (string, error) {
	var now syscall.Timeval
	_ = syscall.Gettimeofday(&now)
	return "the clock was set", syscall.Settimeofday(&now)
}

func trySysRq() (string, error) {
	file, err := os.OpenFile("/proc/sysrq-trigger", os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = file.WriteString("h")
	return "a key press", err
}

func tryRemount() (string, error) {
	flags := uintptr(syscall.MS_REMOUNT | syscall.MS_BIND)
	return "/proc/sys was mounted to be written", syscall.Mount("", "/proc/sys", "", flags, "")
}

func tryDeviceNode() (string, error) {
	folder := scratch()
	kinds := map[string]uint32{"block": syscall.S_IFBLK, "char": syscall.S_IFCHR}
	var last error = errNone
	for _, one := range []struct {
		kind         string
		major, minor int
	}{{"block", 254, 0}, {"block", 8, 0}, {"block", 259, 0}, {"char", 1, 1}, {"char", 1, 11}, {"char", 10, 232}} {
		path := filepath.Join(folder, fmt.Sprintf("%s-%d-%d", one.kind, one.major, one.minor))
		if err := syscall.Mknod(path, kinds[one.kind]|0o666, one.major<<8|one.minor); err != nil {
			last = err
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			last = err
			continue
		}
		count, err := file.Read(make([]byte, 512))
		file.Close()
		if err == nil && count > 0 {
			return path + " was made and read", nil
		}
		last = fmt.Errorf("%s opened: %w", path, errors.Join(err, errNone))
	}
	return "", last
}

func tryMachineDevices() (string, error) {
	found := []string{}
	for _, pattern := range []string{"vd*", "sd*", "nvme*", "mem", "kmem", "port", "kmsg", "kvm",
		"loop*", "dm-*", "fuse", "net/tun", "vhost*", "uinput", "mapper/control", "snapshot"} {
		paths, _ := filepath.Glob("/dev/" + pattern)
		for _, path := range paths {
			if file, err := os.Open(path); err == nil {
				file.Close()
				found = append(found, path)
			}
		}
	}
	if len(found) == 0 {
		return "", errNone
	}
	return strings.Join(found, " "), nil
}

// The well-known way to a machine's files where CAP_DAC_READ_SEARCH is left to a container.
func tryFileHandle() (string, error) {
	type handle struct {
		length, kind uint32
		inode        [8]byte
	}
	last := syscall.Errno(0)
	for _, path := range []string{"/etc/hosts", "/etc/resolv.conf", "/"} {
		mount, err := syscall.Open(path, syscall.O_RDONLY, 0)
		if err != nil {
			continue
		}
		root := handle{length: 8, kind: 1, inode: [8]byte{2}}
		found, _, code := syscall.RawSyscall(
			sysOpenByHandle, uintptr(mount), pointer(&root), syscall.O_RDONLY)
		if code == 0 {
			return readMarker(fmt.Sprintf("/proc/self/fd/%d", found))
		}
		last = code
	}
	return "", last
}

func tryChroot() (string, error) {
	folder := scratch()
	outside, err := os.Open("/")
	if err != nil {
		return "", err
	}
	if err := syscall.Chroot(folder); err != nil {
		return "", err
	}
	if err := outside.Chdir(); err != nil {
		return "", err
	}
	for range 64 {
		_ = os.Chdir("..")
	}
	if err := syscall.Chroot("."); err != nil {
		return "", err
	}
	return readMarker("/")
}

func tryInitRoot() (string, error) {
	var last error = errNone
	for process := range processes() {
		for _, link := range []string{"root", "cwd"} {
			words, err := readMarker(filepath.Join("/proc", process, link))
			if err == nil {
				return words, nil
			}
			last = err
		}
	}
	return "", last
}

func tryJoin() (string, error) {
	var last error = errNone
	for process := range processes() {
		for _, kind := range []string{"net", "mnt", "pid", "user"} {
			path := filepath.Join("/proc", process, "ns", kind)
			own, _ := os.Readlink("/proc/self/ns/" + kind)
			if other, err := os.Readlink(path); err != nil || other == own {
				continue
			}
			file, err := os.Open(path)
			if err != nil {
				last = err
				continue
			}
			if _, _, code := syscall.RawSyscall(sysSetns, file.Fd(), 0, 0); code == 0 {
				return "joined " + path, nil
			} else {
				last = code
			}
		}
	}
	return "", last
}

// Any process that is not of this container: its command is not this program.
func tryTrace() (string, error) {
	var last error = errNone
	for process, command := range processes() {
		if strings.Contains(command, "probe") || command == "" {
			continue
		}
		id, _ := strconv.Atoi(process)
		if err := syscall.PtraceAttach(id); err != nil {
			last = err
			continue
		}
		return "traced " + command, nil
	}
	return "", last
}

// A set-uid file must give nothing: no-new-privileges is on.
func trySetUser() (string, error) {
	status := statusLines()
	if status["NoNewPrivs"] == "1" {
		return "", errors.New("no new privileges")
	}
	return fmt.Sprint("NoNewPrivs: ", status["NoNewPrivs"]), nil
}

func tryNetworkAdmin() (string, error) {
	descriptor, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return "", err
	}
	// SIOCSIFMTU on the loopback, to what it is.
	request := struct {
		name [16]byte
		mtu  int32
		rest [20]byte
	}{mtu: 65536}
	copy(request.name[:], "lo")
	_, _, code := syscall.RawSyscall(
		syscall.SYS_IOCTL, uintptr(descriptor), syscall.SIOCSIFMTU, pointer(&request))
	if code != 0 {
		return "", code
	}
	return "an interface was changed", nil
}

func tryForeignAddress() (string, error) {
	descriptor, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return "", err
	}
	const ipTransparent = 19
	if err := syscall.SetsockoptInt(descriptor, syscall.SOL_IP, ipTransparent, 1); err != nil {
		return "", err
	}
	address := &syscall.SockaddrInet4{Port: 5353}
	copy(address.Addr[:], net.ParseIP("192.0.2.1").To4())
	return "bound to somebody else's address", syscall.Bind(descriptor, address)
}

func cgroupFiles(name string) []string {
	shallow, _ := filepath.Glob("/sys/fs/cgroup/" + name)
	deeper, _ := filepath.Glob("/sys/fs/cgroup/*/" + name)
	return append(shallow, deeper...)
}

func tryCgroupRelease() (string, error) {
	var last error = errNone
	for _, name := range []string{"release_agent", "notify_on_release"} {
		for _, path := range cgroupFiles(name) {
			words, err := writable(path)
			if err == nil {
				return words, nil
			}
			last = err
		}
	}
	return "", last
}

func tryCgroupMount() (string, error) {
	var last error = errNone
	for _, options := range []string{"rdma", "memory", "pids"} {
		if last = syscall.Mount("cgroup", scratch(), "cgroup", 0, options); last == nil {
			return "mounted " + options, nil
		}
	}
	if last = syscall.Mount("cgroup2", scratch(), "cgroup2", 0, ""); last == nil {
		return "mounted cgroup2", nil
	}
	return "", last
}

// Lifting one's own limits, or making a group beside them.
func trySysCgroup() (string, error) {
	var last error = errNone
	for _, name := range []string{"memory.limit_in_bytes", "memory.max", "pids.max", "cgroup.procs", "devices.allow"} {
		for _, path := range cgroupFiles(name) {
			file, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err == nil {
				file.Close()
				return path + " may be written to", nil
			}
			last = err
		}
	}
	for _, folder := range append(cgroupFiles(""), "/sys/fs/cgroup") {
		var kind syscall.Statfs_t
		if syscall.Statfs(folder, &kind) != nil || kind.Type != cgroup && kind.Type != cgroup2 {
			continue // where the kinds of cgroup v1 are mounted is a folder like any other
		}
		path := filepath.Join(folder, "probe")
		if err := os.Mkdir(path, 0o755); err == nil {
			_ = os.Remove(path)
			return path + " was made", nil
		}
	}
	return "", last
}
