"""Both registries, brought up side by side on one disk and filled with the same data."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .images import LAYER_BYTES, LAYERS, make_large_file, push_file, push_image
from .instance import Instance
from .peer import Peer
from .target import Target, target_of

REPOSITORY, TAG = "bench/app", "v1"
GROUP, REGISTRY = "bench", "bench"
LARGE_BYTES = 2**30


class Session:
    """One Silo and one docker-registry; TLS is on for both or off for both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = False
        self.silo = Instance(folder / "silo", tls=True)
        self.peer = Peer(folder / "peer", tls=True)
        self.large_digest = ""

    def open(self, *, tls: bool) -> None:
        """Have both serve, with TLS or without; what already does so is left alone."""
        running = self.silo.alive and self.peer.process is not None
        if running and self.tls == tls:
            return
        self.close()
        self.tls = tls
        self.silo = Instance(self.folder / "silo", tls=tls)
        self.peer = Peer(self.folder / "peer", tls=tls)
        self.silo.start()
        self.peer.start()

    def close(self) -> None:
        self.silo.stop()
        self.peer.stop()

    def fill(self, large_bytes: int) -> None:
        """Push the same image and the same large blob to both."""
        token = self.silo.sign_in()
        self.silo.create_group(GROUP, token)
        self.silo.create_registry(GROUP, REGISTRY, token)
        layers = [bytes([number]) * LAYER_BYTES for number in range(LAYERS)]
        path = self.folder / "large"
        if large_bytes:
            self.large_digest = make_large_file(path, large_bytes)
        for target in self.targets:
            push_image(target, REPOSITORY, TAG, layers)
            if large_bytes:
                push_file(target, REPOSITORY, path, self.large_digest)
        path.unlink(missing_ok=True)

    @property
    def targets(self) -> tuple[Target, Target]:
        """Silo first, then the peer."""
        peer = self.peer

        def sign_in_peer(repositories: str, actions: str) -> str:
            return peer.sign_token(
                [
                    {"type": "repository", "name": name, "actions": actions.split(",")}
                    for name in repositories.split()
                ]
            )

        return (
            target_of(self.silo, REGISTRY),
            Target("peer", peer.host, peer.port, peer.bundle, sign_in_peer, peer.sum_pss_bytes),
        )

    @property
    def arm_target(self) -> Target:
        """Silo's management door."""
        silo = self.silo
        host = silo.arm.removeprefix("https://")
        return Target(
            "silo", host, silo.port, silo.bundle, lambda *_: silo.sign_in(), silo.sum_pss_bytes
        )

    @property
    def group_path(self) -> str:
        """A resource that ARM is asked for."""
        return self.silo.group_url(GROUP).removeprefix(self.silo.arm)


@contextmanager
def open_session(folder: Path) -> Iterator[Session]:
    """Own both while the block lasts."""
    session = Session(folder)
    try:
        yield session
    finally:
        session.close()
