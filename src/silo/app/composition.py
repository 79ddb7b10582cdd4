"""Where the rooms meet: what each needs of the others is handed over here, by name."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.types import ASGIApp

from silo import (
    access,
    arm,
    audit,
    core,
    engine,
    front,
    identity,
    registry,
    storage,
    workload,
)
from silo.providers import (
    authorization,
    containerinstance,
    containerregistry,
    containerservice,
    insights,
    managedidentity,
    network,
    operationalinsights,
    resources,
)
from silo.providers import storage as microsoft_storage
from silo.settings import Settings

from . import clusters, containers, install, send_buffers, upkeep, watching
from .exec_sessions import ExecSessions
from .lifespan import Lifespan


@dataclass(frozen=True, slots=True)
class Rooms:
    """Every room of one process, opened on the same store."""

    settings: Settings
    clock: core.Clock
    store: core.Store
    monitor: core.Store
    """The database of logs and metrics."""
    issuer: identity.Issuer
    verifier: identity.Verifier
    authorizer: access.Authorizer
    vault: core.Vault
    resources: arm.Resources
    catalogue: arm.Catalogue
    around: containerinstance.Surroundings
    grounds: containerservice.Surroundings
    collector: operationalinsights.Collector | None
    """In the control process alone."""
    engine_room: containers.EngineRoom | None
    """In the control process alone, and only where containers can be run."""


def open_rooms(settings: Settings, clock: core.Clock, *, control: bool = False) -> Rooms:
    """Open every room; the database and the keys exist already.

    Only the control process has an engine: nobody else runs containers and puts rules in force.
    """
    store = core.Store(settings.database)
    monitor = core.Store(settings.monitor_database)
    tenant = store.read_now(identity.get_tenant)
    table = arm.Resources(store, clock)
    issuer = identity.Issuer(
        store,
        core.KeyRing(settings.keys / "identity"),
        tenant,
        settings.names,
        clock,
        identity.IdentitySettings(
            password_grant=settings.password_grant,
            federation_ca_bundle=str(settings.bundle),
        ),
        clusters.open_issuers(settings, table).find_keys,
    )
    authorizer = access.Authorizer(store)
    vault = core.Vault(settings.keys / "vault.key")
    placements = network.Placements(
        table, engine.split_pools(settings.group_pool, settings.public_pool)
    )
    service = containers.open_metadata(settings, issuer, table)
    credentials = workload.PullCredentials(issuer, table, settings)
    room = (
        containers.open_engine(
            settings,
            clock,
            store,
            placements,
            service,
            list_clusters=clusters.list_owners(table),
            shares=containerservice.NodeShares(table, vault, containers.open_shares(settings)),
        )
        if control
        else None
    )
    collector = watching.open_collector(settings, clock, table, monitor) if control else None
    around = containers.describe_surroundings(
        settings,
        table,
        vault,
        placements=placements,
        credentials=credentials,
        service=service,
        collector=collector,
        room=room,
    )
    grounds = clusters.describe_surroundings(
        settings,
        table,
        placements,
        no_containers=containers.find_reason(settings),
        clusters=room.clusters if room else None,
    )
    return Rooms(
        settings=settings,
        clock=clock,
        store=store,
        monitor=monitor,
        issuer=issuer,
        verifier=identity.Verifier(issuer),
        authorizer=authorizer,
        vault=vault,
        resources=table,
        catalogue=open_catalogue(
            table,
            authorizer,
            vault,
            monitor=monitor,
            metrics_days=settings.metrics_days,
            shares=containers.open_shares(settings),
            pools=placements.pools,
            apply_rules=room.networks.apply_rules if room else _apply_nowhere,
            around=around,
            grounds=grounds,
        ),
        around=around,
        grounds=grounds,
        collector=collector,
        engine_room=room,
    )


def open_doors(settings: Settings, clock: core.Clock) -> ASGIApp:
    """Return the application of one worker."""
    rooms = open_rooms(settings, clock)
    images = registry.RegistryDoor(
        store=rooms.store,
        content_root=settings.content,
        clock=clock,
        keys=core.KeyRing(settings.keys / "registry"),
        vault=rooms.vault,
        authorize=rooms.authorizer.decide,
        sign_in=rooms.verifier,
        audiences=registry.Audiences(
            registry=identity.REGISTRY_AUDIENCES,
            arm=identity.list_arm_audiences(settings.names),
        ),
    )
    files = open_files(rooms)
    doors: dict[front.Door, ASGIApp] = {
        front.Door.MANAGEMENT: open_exposition(rooms, open_gateway(rooms)),
        front.Door.LOGIN: identity.login_door(rooms.issuer),
        front.Door.GRAPH: identity.graph_door(
            rooms.store, clock, rooms.verifier, identity.list_graph_audiences(settings.names)
        ),
        front.Door.REGISTRY: images,
        front.Door.STORAGE: files,
        front.Door.LOGS: open_logs(rooms),
        front.Door.KUBERNETES: containerservice.AuthorizerDoor(
            resources=rooms.resources,
            clock=clock,
            authorizer=rooms.authorizer,
            find_principal=rooms.verifier.find_principal,
            make_token=clusters.open_tokens(settings),
        ),
        front.Door.OIDC: containerservice.IssuerDoor(
            clusters.open_issuers(settings, rooms.resources)
        ),
    }

    sessions = ExecSessions(settings, clock)
    tickets = workload.ExecTickets(rooms.vault)
    terminals = workload.ExecDoor(rooms.store, clock, tickets, sessions.open)
    sockets: dict[front.Door, ASGIApp] = {front.Door.MANAGEMENT: terminals}

    async def close() -> None:
        await terminals.close()
        await sessions.close()
        await images.flush()
        await files.flush()
        images.close()
        rooms.issuer.close()
        rooms.monitor.close()
        rooms.store.close()

    dispatcher = front.Dispatcher(settings.names, doors, sockets)
    loops: list[Callable[[], Awaitable[None]]] = [images.run, files.run]
    if settings.listen in install.LOOPBACK:
        loops.append(partial(send_buffers.keep_send_buffers_small, settings.port))
    return Lifespan(dispatcher, loops, close)


def open_gateway(rooms: Rooms) -> arm.Gateway:
    """Return the management door."""
    return arm.Gateway(
        rooms.catalogue,
        rooms.resources,
        rooms.authorizer,
        _make_authenticate(rooms, identity.list_arm_audiences(rooms.settings.names)),
        rooms.settings.tenant_id,
        throttle=arm.Throttle(rooms.clock, rooms.settings.arm_rate),
    )


def open_exposition(rooms: Rooms, gateway: arm.Gateway) -> insights.Exposition:
    """Return the gateway with Prometheus' one path before it."""
    return insights.Exposition(
        behind=gateway,
        resources=rooms.resources,
        monitor=rooms.monitor,
        authorizer=rooms.authorizer,
        authenticate=_make_authenticate(rooms, identity.list_arm_audiences(rooms.settings.names)),
    )


def open_logs(rooms: Rooms) -> operationalinsights.LogsDoor:
    """Return the query API of Log Analytics."""
    settings = rooms.settings
    return operationalinsights.LogsDoor(
        store=rooms.store,
        clock=rooms.clock,
        authorizer=rooms.authorizer,
        authenticate=_make_authenticate(rooms, identity.list_logs_audiences(settings.names)),
        searches=operationalinsights.Searches(settings.monitor_database),
        tenant_id=settings.tenant_id,
    )


def open_files(rooms: Rooms) -> storage.StorageDoor:
    """Return the data plane of storage accounts."""
    return storage.StorageDoor(
        store=rooms.store,
        tree=containers.open_shares(rooms.settings),
        clock=rooms.clock,
        vault=rooms.vault,
        verify=rooms.verifier.verify_bearer,
        authorize=rooms.authorizer.decide,
        audiences=identity.STORAGE_AUDIENCES,
        find_place=rooms.settings.names.find_place,
        tenant=rooms.settings.tenant_id,
    )


def open_loops(settings: Settings, clock: core.Clock) -> Sequence[Awaitable[None]]:
    """Return the endless loops of the control process."""
    rooms = open_rooms(settings, clock, control=True)
    reconciler = arm.Reconciler(rooms.catalogue, rooms.resources)
    plans = containerinstance.open_plans(rooms.around)
    cluster_plans = containerservice.open_plans(rooms.grounds)
    room = rooms.engine_room
    engine_loops: tuple[Awaitable[None], ...] = ()
    if room is not None:
        sampler = watching.open_sampler(settings, clock, rooms.monitor, room.runtime, room.networks)
        engine_loops = (
            room.run(plans.list_plans, cluster_plans.list_plans),
            sampler.run(),
            containerservice.Autoscaler(rooms.grounds).run(),
            containerservice.AutoUpgrader(rooms.grounds).run(),
            containerservice.AuditLog(rooms.grounds, clock).run(),
        )
    return (
        *engine_loops,
        *((rooms.collector.run(),) if rooms.collector else ()),
        reconciler.run(),
        upkeep.collect_content(rooms.store, settings, clock),
        upkeep.sweep_shares(rooms.store, containers.open_shares(settings), clock),
        open_checkpoints(settings, clock).run(rooms.store),
    )


def open_checkpoints(settings: Settings, clock: core.Clock) -> audit.Checkpoints:
    """Return the notes outside the database that show when the log's tail is cut off."""
    keys = core.KeyRing(settings.keys / "audit")
    return audit.Checkpoints(settings.state / "audit" / "checkpoints.jsonl", keys, clock)


def open_catalogue(
    table: arm.Resources,
    authorizer: access.Authorizer,
    vault: core.Vault,
    *,
    monitor: core.Store,
    metrics_days: int,
    shares: storage.Tree,
    pools: engine.Pools,
    apply_rules: network.Apply,
    around: containerinstance.Surroundings,
    grounds: containerservice.Surroundings,
) -> arm.Catalogue:
    """Return everything that ARM serves; some providers describe what all of them declare."""
    catalogue: list[arm.Catalogue] = []

    def list_declared() -> Sequence[arm.Operation]:
        return catalogue[0].operations

    catalogue.append(
        arm.Catalogue(
            (
                *resources.providers(table, authorizer, lambda: catalogue[0]),
                authorization.provider(table, authorizer, list_declared),
                managedidentity.provider(table),
                containerinstance.provider(around),
                containerregistry.provider(table, vault),
                containerservice.provider(grounds),
                insights.provider(table, authorizer, monitor, metrics_days),
                microsoft_storage.provider(table, vault, shares),
                network.provider(table, pools, apply_rules),
                operationalinsights.provider(table, vault),
            ),
            table,
        )
    )
    return catalogue[0]


async def _apply_nowhere(_router: str, _rules: engine.RuleSet) -> None:
    """Where no groups can run there is nothing that rules could be put in force on."""


def _make_authenticate(
    rooms: Rooms, audiences: frozenset[str]
) -> Callable[[str], access.Principal]:
    verify = rooms.verifier.verify_bearer

    def authenticate(token: str) -> access.Principal:
        try:
            return verify(token, audiences)
        except identity.TokenRejected as error:
            if error.expired:
                raise arm.ExpiredAuthenticationToken(str(error)) from None
            raise arm.InvalidAuthenticationToken(str(error)) from None

    return authenticate
