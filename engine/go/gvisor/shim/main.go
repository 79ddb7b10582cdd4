// Command containerd-shim-runsc-v1 is gVisor's shim for containerd, started in a way that a machine
// without CAP_SYS_RESOURCE allows.
//
// Upstream's shim always lowers its own oom_score_adj and gives up where the kernel forbids it.
// Here that is an attempt: a shim that the kernel may kill for memory is better than none. And
// upstream's dies with a panic when it cannot tell an event at once, as while containerd restarts;
// with it the end of its container would be lost. Here it tells it later. All else is upstream's; Start follows gvisor.dev/gvisor/pkg/shim/v1/manager.go (Apache-2.0).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	containerdshim "github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
	shim "gvisor.dev/gvisor/pkg/shim/v1"
	_ "gvisor.dev/gvisor/pkg/shim/v1/plugin" // the task service
	"gvisor.dev/gvisor/pkg/shim/v1/runsc"
)

const (
	name = "io.containerd.runsc.v1"
	// groupAnnotation names the sandbox whose shim a container shares.
	groupAnnotation = "io.kubernetes.cri.sandbox-id"
	addressFile     = "address"
	// oomScore keeps the shim killable, but last.
	oomScore = -999
)

func main() {
	// Initialised before the task service, which takes this variable for a reason to panic, and
	// after the publisher has read it.
	registry.Register(&plugin.Registration{
		Type: plugins.InternalPlugin,
		ID:   "patience",
		InitFn: func(*plugin.InitContext) (any, error) {
			return struct{}{}, os.Unsetenv("TTRPC_ADDRESS")
		},
	})
	containerdshim.Run(context.Background(), manager{shim.NewShimManager(name)})
}

type manager struct{ containerdshim.Manager }

// Start runs a shim for a container, or finds the one of its group, and says where it listens.
func (manager) Start(
	ctx context.Context, id string, opts containerdshim.StartOpts,
) (params containerdshim.BootstrapParams, err error) {
	group, err := groupOf(id)
	if err != nil {
		return params, err
	}
	address, err := containerdshim.SocketAddress(ctx, opts.Address, group, opts.Debug)
	if err != nil {
		return params, err
	}
	params = containerdshim.BootstrapParams{Version: 2, Address: address, Protocol: "ttrpc"}
	socket, err := containerdshim.NewSocket(address)
	if err != nil {
		if !containerdshim.SocketEaddrinuse(err) {
			return params, fmt.Errorf("create new shim socket: %w", err)
		}
		if containerdshim.CanConnect(address) {
			return params, writeAddress(address)
		}
		// A shim that was killed left it.
		if err := containerdshim.RemoveSocket(address); err != nil {
			return params, fmt.Errorf("remove pre-existing socket: %w", err)
		}
		if socket, err = containerdshim.NewSocket(address); err != nil {
			return params, fmt.Errorf("create new shim socket again: %w", err)
		}
	}
	var cmd *exec.Cmd
	defer func() {
		if err != nil {
			if cmd != nil && cmd.Process != nil {
				_ = cmd.Process.Kill()
			}
			_ = socket.Close()
			_ = containerdshim.RemoveSocket(address)
		}
	}()
	// The new process reads it.
	if err := writeAddress(address); err != nil {
		return params, err
	}
	listener, err := socket.File()
	if err != nil {
		return params, err
	}
	if cmd, err = command(ctx, id, opts); err != nil {
		return params, err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, listener)
	if err := cmd.Start(); err != nil {
		return params, err
	}
	go func() { _ = cmd.Wait() }()
	if err := containerdshim.WritePidFile("shim.pid", cmd.Process.Pid); err != nil {
		return params, err
	}
	return params, lowerOOMScore(cmd.Process.Pid)
}

func command(ctx context.Context, id string, opts containerdshim.StartOpts) (*exec.Cmd, error) {
	namespace, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"-namespace", namespace, "-address", opts.Address, "-id", id}
	if opts.Debug {
		args = append(args, "-debug")
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// groupOf returns what containers that share a shim have in common. containerd starts us in the
// container's bundle.
func groupOf(id string) (string, error) {
	if opts := runsc.GetRuntimeOptions(); opts == nil || !opts.Grouping {
		return id, nil
	}
	content, err := os.ReadFile("config.json")
	if err != nil {
		return "", fmt.Errorf("read the container's specification: %w", err)
	}
	return groupIn(content, id)
}

func groupIn(specification []byte, id string) (string, error) {
	var spec struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(specification, &spec); err != nil {
		return "", fmt.Errorf("read the container's specification: %w", err)
	}
	if group, ok := spec.Annotations[groupAnnotation]; ok {
		return group, nil
	}
	return id, nil
}

func lowerOOMScore(pid int) error {
	path := fmt.Sprintf("/proc/%d/oom_score_adj", pid)
	err := os.WriteFile(path, []byte(strconv.Itoa(oomScore)), 0)
	if errors.Is(err, os.ErrPermission) {
		// Not a word about it: containerd takes all that is said here for the answer.
		return nil
	}
	return err
}

func writeAddress(address string) error {
	return os.WriteFile(addressFile, []byte(address), 0o644)
}
