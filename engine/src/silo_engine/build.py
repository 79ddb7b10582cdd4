"""Which programs the engine consists of, and what they are built from."""

from pathlib import Path

from .modules import GO_VERSION, PLAIN, Kit, Program, build_here

ROOT = Path(__file__).parent.parent.parent
_STATIC = '-s -w -extldflags "-static"'

VERSIONS = {
    "go": GO_VERSION,
    "containerd": "v2.4.2",
    "runc": "v1.5.2",
    "gvisor": "v0.0.0-20260905035102-160fafc42237",
    "cni-plugins": "v1.9.1",
}
"""What the modules pin; kept beside the programs and shown by ``silo doctor``."""


_CONTAINERD = "github.com/containerd/containerd/v2"
_CONTAINERD_LINKER = f"{PLAIN} -X {_CONTAINERD}/version.Version={VERSIONS['containerd']}"
_RUNSC_LINKER = f"{PLAIN} -X gvisor.dev/gvisor/runsc/version.version={VERSIONS['gvisor']}"
_CNI = "github.com/containernetworking/plugins"
_CNI_LINKER = f"{PLAIN} -X {_CNI}/pkg/utils/buildversion.BuildVersion={VERSIONS['cni-plugins']}"
PARTS: dict[str, tuple[Program, ...]] = {
    "containerd": (
        *(
            Program(name, f"{_CONTAINERD}/cmd/{name}", linker=_CONTAINERD_LINKER)
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        # Its first process is C; seccomp comes from libseccomp, so it needs the C compiler.
        Program(
            "runc",
            "github.com/opencontainers/runc",
            tags="seccomp netgo osusergo",
            cgo=True,
            linker=_STATIC,
        ),
    ),
    # By itself: its shim does not compile against the API of the containerd above.
    "gvisor": (
        Program("runsc", "gvisor.dev/gvisor/runsc", linker=_RUNSC_LINKER),
        Program("containerd-shim-runsc-v1", "./shim"),
    ),
    # For nodes of Kubernetes clusters, whose containerd asks plugins for a pod's network.
    "cni": (
        Program("bridge", f"{_CNI}/plugins/main/bridge", linker=_CNI_LINKER),
        Program("host-local", f"{_CNI}/plugins/ipam/host-local", linker=_CNI_LINKER),
        Program("loopback", f"{_CNI}/plugins/main/loopback", linker=_CNI_LINKER),
        Program("portmap", f"{_CNI}/plugins/meta/portmap", linker=_CNI_LINKER),
        Program("ptp", f"{_CNI}/plugins/main/ptp", linker=_CNI_LINKER),
    ),
    "silo": (
        Program("silo-logger", "./cmd/silo-logger"),
        Program("silo-init", "./cmd/silo-init"),
    ),
}


ENGINE = Kit("engine", "engine", ROOT / "go", PARTS, VERSIONS)


if __name__ == "__main__":
    build_here(ENGINE)
