"""``silo cluster backup`` and ``restore``: what acts on the files of a cluster that is stopped."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import silo
from silo import arm, core, engine, kube
from silo.settings import Settings

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ClusterArchives:
    """One cluster, known by its resource id, and archives of it."""

    settings: Settings
    resource_id: str

    def write(self, target: Path) -> None:
        """Write an archive.

        Raises:
            SiloError: it cannot be written.

        """
        uid, paths = self._locate()
        about = {
            "format": _FORMAT,
            "silo": silo.__version__,
            "id": self.resource_id,
            "uid": uid,
            "version": kube.find_version(paths),
        }
        kube.write_archive(paths, about, target)

    def read(self, source: Path) -> None:
        """Put back what an archive holds, all of it or nothing.

        Raises:
            SiloError: it is not one of this cluster's.

        """
        uid, paths = self._locate()
        kube.read_archive(paths, source, lambda about: _check(about, uid, paths))

    def check(self, source: Path) -> None:
        """Look whether an archive may be put back, before anybody is bothered.

        Raises:
            SiloError: it is not one of this cluster's.

        """
        uid, paths = self._locate()
        kube.check_archive(source, lambda about: _check(about, uid, paths))

    def forget_former(self) -> None:
        """Remove what the cluster stored before an archive was put back."""
        kube.forget_former(self._locate()[1])

    def _locate(self) -> tuple[str, kube.ClusterPaths]:
        store = core.Store(self.settings.database)
        with closing(store):
            table = arm.Resources(store, core.SystemClock())
            id_ = arm.parse_resource_id(self.resource_id)
            uid = store.read_now(lambda conn: table.get(conn, id_)).uid
        run = engine.Paths.of_instance(self.settings.state, self.settings.id).run
        return uid, kube.ClusterPaths.of_cluster(self.settings.clusters, run, uid)


def _check(about: Mapping[str, Any], uid: str, paths: kube.ClusterPaths) -> None:
    if about.get("format") != _FORMAT:
        raise kube.ArchiveRefused("The archive is of another version of Silo.")
    if about.get("uid") != uid:
        raise kube.ArchiveRefused("The archive is of another cluster.")
    version = kube.find_version(paths)
    if version and about.get("version") != version:
        raise kube.ArchiveRefused(
            f"The cluster's version is {version}, and the archive's another one: what one stored "
            "the other need not read."
        )
