"""Which programs of upstream's judge a cluster, and what they are built from.

``e2e.test`` holds every spec of one version, ``ginkgo`` runs several of it side by side; the others
are what their pods run.
"""

from pathlib import Path

from silo_engine.modules import PLAIN, Kit, Program, build_here

SOURCES = Path(__file__).parent / "go"
VERSION = "1.36.3"

_SAYS = {"gitVersion": f"v{VERSION}", "gitMajor": "1", "gitMinor": "36", "gitCommit": ""}
_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_MARKS = [f"-X {package}.{key}={value}" for package in _PACKAGES for key, value in _SAYS.items()]
_LINKER = " ".join((PLAIN, *_MARKS))

KIT = Kit(
    "conformance",
    f"conformance-{VERSION}",
    SOURCES,
    {
        "e2e": (
            Program("agnhost", "k8s.io/kubernetes/test/images/agnhost", linker=_LINKER),
            Program("nonewprivs", "k8s.io/kubernetes/test/images/nonewprivs"),
            Program("sample-apiserver", "k8s.io/sample-apiserver"),
            Program("ginkgo", "github.com/onsi/ginkgo/v2/ginkgo"),
            Program("e2e.test", "k8s.io/kubernetes/test/e2e", linker=_LINKER),
        )
    },
    {"kubernetes": f"v{VERSION}"},
)


if __name__ == "__main__":
    build_here(KIT)
