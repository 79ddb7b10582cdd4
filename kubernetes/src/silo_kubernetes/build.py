"""Which programs a cluster consists of, and what they are built from.

``kubernetes`` is every component of one version in one program, etcd and kubectl included; its
first argument says which. Other projects' programs are in modules of their own: in one module they
would raise versions under Kubernetes that nobody has tried with it.
"""

from pathlib import Path

from silo_engine.modules import GO_VERSION, PLAIN, Kit, Program, build_here

SOURCES = Path(__file__).parent.parent.parent / "go"
DEFAULT = "1.36.3"

_COREDNS, _METRICS, _CADDY = "v1.15.0", "v0.9.0", "v2.11.9"
_METRICS_LINKER = f"{PLAIN} -X k8s.io/client-go/pkg/version.gitVersion={_METRICS}"
_AROUND = {
    "command": (Program("command", "./"),),
    "coredns": (Program("coredns", "."),),
    "credentials": (Program("acr-credential-provider", "./"),),
    # Caddy's own builds leave these databases out, too.
    "ingress": (Program("ingress", "./", tags="nobadger,nomysql,nopgx"),),
    "metrics": (
        Program(
            "metrics-server",
            "sigs.k8s.io/metrics-server/cmd/metrics-server",
            linker=_METRICS_LINKER,
        ),
    ),
    "pause": (Program("pause", "./"),),
}
"""What stands around Kubernetes, whatever its version."""


def _describe(version: str, part: str, etcd: str) -> Kit:
    major, minor, _ = version.split(".")
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    # The module proxy knows no commit; unset, the program would show the archive's placeholder.
    says = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitCommit": ""}
    marks = [f"-X {package}.{key}={value}" for package in packages for key, value in says.items()]
    program = Program("kubernetes", ".", linker=" ".join((PLAIN, *marks)))
    versions = {
        "go": GO_VERSION,
        "kubernetes": f"v{version}",
        "etcd": etcd,
        "coredns": _COREDNS,
        "metrics-server": _METRICS,
        "caddy": _CADDY,
    }
    parts = {part: (program,), **_AROUND}
    return Kit("kubernetes", f"kubernetes-{version}", SOURCES, parts, versions)


KITS = {
    DEFAULT: _describe(DEFAULT, "kubernetes", "v3.6.8"),
    "1.35.4": _describe("1.35.4", "kubernetes-1.35", "v3.6.5"),
}
"""By version, the newest first. Each has a module of its own: the versions that upstream tried it
with, etcd's among them."""


if __name__ == "__main__":
    for kit in KITS.values():
        build_here(kit)
