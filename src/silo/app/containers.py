"""What runs containers, put together: by the control process alone, and only where it can."""

import asyncio
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

import structlog

from silo import arm, core, engine, front, identity, kube, storage, workload
from silo.providers import containerinstance, containerservice, network, operationalinsights
from silo.settings import Settings

from . import clusters
from .group_names import GroupNames
from .service_addresses import ServiceAddresses

log = structlog.get_logger()

RETRY_S = 5.0


def find_reason(settings: Settings) -> str:
    """Return why this instance runs no containers; nothing when it does."""
    if not settings.tls:
        return "container groups pull over TLS, which is switched off"
    return engine.find_obstacle(engine.find_binaries()) or ""


def explain_levels(settings: Settings) -> dict[engine.Level, str]:
    """Return why groups cannot have an isolation level; nothing for one that they can have."""
    binaries = engine.find_binaries()
    floor = engine.Level(settings.isolation_floor)
    return {
        level: f"this instance gives '{floor}' at least"
        if level.strength < floor.strength
        else engine.find_lack(level, binaries)
        for level in engine.Level
        if binaries is not None
    }


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """Everything that runs containers, for the control process."""

    groups: engine.Groups
    networks: engine.Networks
    resolver: engine.Resolver
    runtime: engine.Runtime
    paths: engine.Paths
    clock: core.Clock
    clusters: kube.Clusters
    run_clusters: bool

    async def run(self, list_plans: engine.ListPlans, list_clusters: kube.ListPlans) -> None:
        """Wait for what stands under groups and clusters, take them up, tend them for ever."""
        while True:
            try:
                await engine.wait_until_ready(self.paths, self.clock)
                await self.networks.start()
                await self.runtime.take_up()
                break
            except (core.SiloError, OSError) as error:
                log.warning("the engine cannot start yet", reason=str(error))
            await asyncio.sleep(RETRY_S)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.resolver.run())
                tasks.create_task(engine.ExecSweeper(self.paths, self.clock).run())
                tasks.create_task(engine.ImageSweeper(self.paths, self.clock).run())
                tasks.create_task(self.groups.run(list_plans))
                tasks.create_task(self.clusters.run(list_clusters, wanted=self.run_clusters))
        finally:
            await self.networks.close()


def open_engine(
    settings: Settings,
    clock: core.Clock,
    store: core.Store,
    placements: network.Placements,
    service: workload.MetadataService,
    *,
    list_clusters: Callable[[], Collection[str]],
    shares: kube.Shares,
) -> EngineRoom | None:
    """Return the engine, not started yet; None where there is none."""
    binaries = engine.find_binaries()
    if binaries is None or find_reason(settings):
        return None
    paths = engine.Paths.of_instance(settings.state, settings.id)
    registries = engine.Registries(settings.bundle, make_route(settings))
    runtime = engine.Runtime(binaries, paths, clock, registries)
    networks = engine.Networks(
        settings.id,
        placements.pools,
        engine.Doors(front.local_address(settings.listen), settings.port),
        paths.run,
        find_rules=placements.find_rules,
    )
    metadata = engine.Metadata(networks.open_socket, service.answer)
    known = GroupNames(store, settings.names, str(placements.pools.host))
    resolver = engine.Resolver(networks.open_socket, known.list_addresses)

    async def serve(uid: str) -> None:
        await metadata.open(uid)
        await resolver.open(uid)

    async def leave(uid: str) -> None:
        await metadata.close(uid)
        await resolver.close(uid)

    tree = open_shares(settings)

    async def open_share(folder: PurePath, read_only: bool) -> Path:
        share = await store.read(lambda conn: storage.get_share_at(conn, folder))
        return await asyncio.to_thread(tree.open_for_group, share, read_only=read_only)

    machine = engine.LocalMachine(
        runtime,
        networks,
        engine.Volumes(
            paths.state / "volumes",
            paths.run / "volumes",
            shares=settings.shares,
            open_share=open_share,
        ),
        paths,
        on_attached=serve,
        on_leaving=leave,
        list_others=list_clusters,
    )
    return EngineRoom(
        engine.Groups(machine, store, clock),
        networks,
        resolver,
        runtime,
        paths,
        clock,
        clusters.open_clusters(
            settings,
            clock,
            store,
            binaries=binaries,
            networks=networks,
            serve=serve,
            serve_names=resolver.open,
            leave=leave,
            addresses=ServiceAddresses(store, placements),
            shares=shares,
        ),
        settings.run_clusters,
    )


def describe_surroundings(
    settings: Settings,
    resources: arm.Resources,
    vault: core.Vault,
    *,
    placements: network.Placements,
    credentials: workload.PullCredentials,
    service: workload.MetadataService,
    collector: operationalinsights.Collector | None,
    room: EngineRoom | None,
) -> containerinstance.Surroundings:
    """Return what container groups are given by the rest of the house."""
    reason = find_reason(settings)
    paths = engine.Paths.of_instance(settings.state, settings.id)
    tree = open_shares(settings)

    def find_share(
        conn: core.Connection, account: str, key: str, share: str, *, read_only: bool
    ) -> Path:
        found = storage.resolve_share(conn, vault, account=account, key=key, share=share)
        return tree.locate_for_group(found, read_only=read_only)

    def find_secrets(_conn: core.Connection, resource: arm.Resource) -> tuple[tuple[str, str], ...]:
        if not resource.document.get("identity"):
            return ()
        return service.render_environment(resource.uid)

    async def read_log(
        uid: str, name: str, since: datetime, tail: int | None, stamped: bool
    ) -> str:
        path = engine.locate_log(paths, uid, name)
        return await asyncio.to_thread(
            engine.read_logs, path, tail=tail, since=since, timestamps=stamped
        )

    return containerinstance.Surroundings(
        resources=resources,
        vault=vault,
        domain=settings.domain,
        unavailable=lambda: reason,
        promise=containerinstance.Promise(engine.read_capacity(), settings.cpu_overcommit),
        quota=containerinstance.Quota(settings.group_quota, settings.core_quota),
        open_credentials=credentials.open,
        levels=explain_levels(settings),
        default_level=engine.Level(settings.isolation_default),
        groups=(lambda: room.groups) if room else None,
        read_log=read_log,
        place=placements.place,
        lease_public=placements.lease_public,
        release=placements.release,
        find_share=find_share,
        find_secrets=find_secrets,
        check_workspace=operationalinsights.Workspaces(resources.store, vault).check_key,
        drain_logs=collector.drain if collector else None,
    )


def open_shares(settings: Settings) -> storage.Tree:
    """Return the folders of the file shares."""
    return storage.Tree(settings.shares, storage.open_images())


def open_metadata(
    settings: Settings, issuer: identity.Issuer, resources: arm.Resources
) -> workload.MetadataService:
    """Return what answers groups that ask for tokens."""
    # A key of its own, derived: it says nothing of the one it comes from (RFC 5869 section 2.3).
    secret = (settings.keys / "vault.key").read_bytes()
    key = hmac.digest(secret, b"silo metadata headers\x01", "sha256")
    return workload.MetadataService(issuer, resources, key, containerservice.list_node_identities)


def make_route(settings: Settings) -> engine.Route:
    """Return where the registries of this instance really are: at its own door."""
    names, door = settings.names, (front.local_address(settings.listen), settings.port)

    def route(host: str, _port: int) -> tuple[str, int] | None:
        place = names.find_place(host)
        return door if place is not None and place.door is front.Door.REGISTRY else None

    return route
