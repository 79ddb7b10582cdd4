"""A containerd of the tests' own, a registry beside it, and a network namespace to stand in."""

import asyncio
import secrets
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from silo import core, engine
from silo.engine import daemon
from silo.engine.specs import Place, build_spec

from .small_registry import HOST, PASSWORD, USER, SmallRegistry

CLOCK = core.SystemClock()


async def give_password(_reference: str) -> engine.Basic:
    return engine.Basic(USER, PASSWORD)


@dataclass(slots=True)
class World:
    """One engine; what a test makes in it is gone with it."""

    folder: Path
    registry: SmallRegistry
    instance: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}")
    group: str = "group"
    namespace: str = ""
    daemon: subprocess.Popen[bytes] | None = None
    runtime: engine.Runtime = None  # type: ignore[assignment]
    registries: engine.Registries = None  # type: ignore[assignment]

    @property
    def paths(self) -> engine.Paths:
        return engine.Paths.of_instance(self.folder, self.instance)

    async def open(self) -> None:
        self.namespace = f"/run/netns/{self.instance}"
        subprocess.run(["ip", "netns", "add", self.instance], check=True)
        inside = ["ip", "netns", "exec", self.instance]
        await asyncio.to_thread(
            subprocess.run,
            [*inside, "sysctl", "-q", "-w", "net.ipv4.ip_unprivileged_port_start=0"],
            check=True,
        )
        subprocess.run(["ip", "-n", self.instance, "link", "set", "lo", "up"], check=True)
        await self.start_daemon()
        self.open_runtime()

    def open_runtime(self) -> None:
        port = self.registry.port
        self.registries = engine.Registries(
            self.registry.bundle, lambda host, _port: ("127.0.0.1", port) if host == HOST else None
        )
        found = engine.find_binaries()
        assert found is not None
        self.runtime = engine.Runtime(found, self.paths, CLOCK, self.registries)

    async def start_daemon(self) -> None:
        found = engine.find_binaries()
        assert found is not None
        daemon.prepare(self.paths)
        with (self.folder / "containerd.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [found.containerd, "--config", self.paths.config],
                env={"PATH": f"{found.folder}:/usr/sbin:/usr/bin:/sbin:/bin"},
                stderr=log,
                umask=0o022,  # as Silo gives it
            )
        await daemon.wait_until_ready(self.paths, CLOCK)

    def kill_daemon(self) -> None:
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    async def close(self) -> None:
        for found in await self.runtime.list_containers():
            await self.runtime.delete(found.id)
        await self.runtime.release_group(self.group)
        await self.runtime.close()
        await self.registries.close()
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        subprocess.run(["ip", "netns", "del", self.instance], check=True)
        engine.end_logger(self.paths.run)
        mounts = engine.KernelMounts()
        # Secrets in memory, and an empty network namespace of gVisor's.
        for path in mounts.list_below(self.paths.run):
            mounts.unmount(path)
        subprocess.run(["rm", "-rf", self.paths.run], check=False)
        for name in (f"{self.instance}/logger", self.instance):
            for folder in Path("/sys/fs/cgroup").glob(f"*/silo/{name}"):
                with suppress(OSError):
                    folder.rmdir()

    async def start(
        self,
        image: engine.Image,
        *args: str,
        level: engine.Level = engine.Level.PROCESS,
        **plan: Any,
    ) -> str:
        """Start a container of the one group and return its id."""
        container_id = f"{self.group}-{secrets.token_hex(4)}"
        plan = {"memory_bytes": 64 << 20, **plan}
        group_cpu = plan.pop("group_cpu", 1.0)
        ahead = plan.pop("ahead", "")
        group_memory = plan.pop("group_memory_bytes", 256 << 20)
        made = engine.ContainerPlan(container_id, image.reference, args or None, **plan)
        place = Place(
            self.instance,
            self.group,
            container_id,
            level,
            self.namespace,
            volumes={one.volume: str(self.folder / one.volume) for one in made.mounts},
            cpu=group_cpu,
            memory_bytes=group_memory,
            first_id=await self.runtime.get_first_id(self.group, level),
        )
        draft = engine.Draft(
            container_id,
            image,
            build_spec(made, image, place),
            level,
            self.get_log(container_id),
            self.group,
            container_id,
            made.secrets,
        )
        if ahead:
            await self.runtime.lay(draft if ahead == "same" else replace(draft, name="other"))
        await self.runtime.create(draft)
        await self.runtime.start(container_id)
        return container_id

    async def run(self, image: engine.Image, *args: str, **plan: Any) -> tuple[int, str]:
        """Run a container to its end and return its exit code and what it said."""
        container_id = await self.start(image, *args, **plan)
        ended = await self.runtime.wait_exit(container_id)
        await self.runtime.delete(container_id)
        return ended.code, engine.read_logs(self.get_log(container_id))

    def get_log(self, container_id: str) -> Path:
        return self.folder / "logs" / f"{container_id}.log"


async def eventually(true: Callable[[], bool], within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)
