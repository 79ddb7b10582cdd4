"""Another set of certificates for a cluster whose programs have ended.

The key that service accounts' tokens are signed with stays: those tokens are no certificates, and
pods hold them.
"""

from silo import core

from .api import Api
from .certificates import Pair
from .paths import ClusterPaths

_KEPT = "service-accounts"
_MARK = "rotation"


def is_due(paths: ClusterPaths, wanted: int) -> bool:
    """Tell whether the certificates are of another set than the wanted one."""
    return paths.pki.exists() and _read(paths) != wanted


def ensure(paths: ClusterPaths, wanted: int) -> None:
    """Take away certificates of another set; whoever prepares the programs issues them anew."""
    if not is_due(paths, wanted):
        return
    for path in paths.pki.iterdir():
        if path.stem != _KEPT and path.name != _MARK:
            path.unlink()
    # Last: who is interrupted before takes away the rest the next time.
    core.write_private(paths.pki / _MARK, str(wanted).encode())


async def is_told(api: Api, paths: ClusterPaths) -> bool:
    """Tell whether every namespace has the authority that is now: what pods get to see of it."""
    listed = await api.find("/api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt")
    authority = Pair(paths.pki, "ca").certificate.read_text()
    return listed is not None and all(
        one["data"].get("ca.crt") == authority for one in listed["items"]
    )


def _read(paths: ClusterPaths) -> int:
    try:
        return int((paths.pki / _MARK).read_text())
    except FileNotFoundError:
        return 0
