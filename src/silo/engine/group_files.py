"""The small files that containers of a group find in ``/etc``: names, and who knows them."""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from .plans import GroupPlan

DNS_ADDRESS = "168.63.129.16"
"""Azure's own, where the engine's resolver answers."""
_FILES = {"/etc/hosts": "hosts", "/etc/hostname": "hostname", "/etc/resolv.conf": "resolv.conf"}


class GroupFiles:
    """A folder of files for each group."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, plan: GroupPlan, address: str) -> None:
        """Write a group's files; those that a container has open keep their place."""
        folder = self._root / plan.uid
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._root.chmod(0o711)
        for name, text in render_files(plan, address).items():
            path = folder / name
            path.write_text(text)
            # The container's users are other users on this machine.
            path.chmod(0o644)

    def list_files(self, uid: str) -> Mapping[str, str]:
        """Return where each file is to be seen inside, and where it is."""
        return {inside: str(self._root / uid / name) for inside, name in _FILES.items()}

    def remove(self, uid: str) -> None:
        """Take a group's files away; repeatable."""
        shutil.rmtree(self._root / uid, ignore_errors=True)

    def sweep(self, keep: Collection[str]) -> None:
        """Take the files of other groups away."""
        if self._root.is_dir():
            for entry in list(os.scandir(self._root)):
                if entry.name not in keep:
                    self.remove(entry.name)


def render_files(plan: GroupPlan, address: str) -> dict[str, str]:
    """Return the text of each file. Pure."""
    network = plan.network
    hostname = network.hostname or plan.name
    hosts = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    hosts += [f"{each} {hostname}" for each in (address, network.ipv6) if each]
    resolver = [f"nameserver {server}" for server in network.dns_servers or (DNS_ADDRESS,)]
    if network.dns_search:
        resolver.append(f"search {' '.join(network.dns_search)}")
    if network.dns_options:
        resolver.append(f"options {' '.join(network.dns_options)}")
    texts = {"hosts": hosts, "hostname": [hostname], "resolv.conf": resolver}
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}
