"""A container group as a plan for the engine: Azure's words in, Linux's out. Pure."""

import base64
import binascii
from dataclasses import dataclass, field

from silo import engine

from .properties import (
    ConfigMap,
    Container,
    ContainerGroup,
    ContainerProbe,
    ContainerProperties,
    SecurityContext,
    Volume,
)
from .quotas import GIB
from .wish import Wish

INIT_MEMORY_GB = 0.1
"""Init containers name no resources: they share what the group holds; this is the least."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the group's body does not say itself."""

    environment: tuple[tuple[str, str], ...] = ()
    """For every container: where its identity's tokens are, and which group it is of."""
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def plan_group(
    uid: str, name: str, group: ContainerGroup, wish: Wish, around: Around
) -> engine.GroupPlan:
    """Return what the engine is to make of a group."""
    memory = sum(_read_request(one).memory_bytes for one in group.containers)
    cpu = sum(_read_request(one).cpu for one in group.containers)
    frozen = _list_frozen(group)
    init = tuple(
        _plan_container(one, around, frozen, _Amounts(cpu, max(memory, int(INIT_MEMORY_GB * GIB))))
        for one in group.init_containers or ()
    )
    return engine.GroupPlan(
        uid=uid,
        generation=wish.revision,
        name=name,
        level=engine.Level(wish.level),
        restart=engine.Restart(group.restart_policy or engine.Restart.ALWAYS),
        init=init,
        containers=tuple(
            _plan_container(one, around, frozen, _read_request(one)) for one in group.containers
        ),
        volumes=tuple(_plan_volume(one, wish) for one in group.volumes or ()),
        network=_plan_network(name, group, wish),
        wanted=wish.wanted,
    )


@dataclass(frozen=True, slots=True)
class _Amounts:
    cpu: float
    memory_bytes: int


def _read_request(container: Container) -> _Amounts:
    requests = container.properties.resources and container.properties.resources.requests
    if not requests:
        return _Amounts(1.0, int(INIT_MEMORY_GB * GIB))
    return _Amounts(requests.cpu or 1.0, int((requests.memory_in_gb or INIT_MEMORY_GB) * GIB))


def _plan_container(
    container: Container, around: Around, frozen: set[str], amounts: _Amounts
) -> engine.ContainerPlan:
    wanted = container.properties
    limits = wanted.resources.limits if wanted.resources else None
    memory_limit = limits.memory_in_gb if limits else None
    return engine.ContainerPlan(
        name=container.name,
        image=wanted.image or "",
        command=tuple(wanted.command) if wanted.command else None,
        environment=(*around.environment, *_read_environment(wanted)),
        secrets=(
            *around.secrets,
            *(
                (one.name, one.secure_value)
                for one in wanted.environment_variables or ()
                if one.secure_value is not None
            ),
        ),
        cpu=amounts.cpu,
        memory_bytes=amounts.memory_bytes,
        cpu_limit=limits.cpu if limits else None,
        memory_limit_bytes=int(memory_limit * GIB) if memory_limit else None,
        mounts=tuple(
            engine.Mount(one.name, one.mount_path, one.read_only or one.name in frozen)
            for one in wanted.volume_mounts or ()
        ),
        ports=tuple(engine.Port(_read_protocol(p.protocol), p.port) for p in wanted.ports or ()),
        liveness=_plan_probe(wanted.liveness_probe),
        readiness=_plan_probe(wanted.readiness_probe),
        security=_plan_security(wanted.security_context),
    )


def _list_frozen(group: ContainerGroup) -> set[str]:
    """Return the volumes that nobody may write to, whatever a mount says."""
    return {
        one.name
        for one in group.volumes or ()
        if one.secret is not None or (one.azure_file is not None and one.azure_file.read_only)
    }


def _read_environment(wanted: ContainerProperties) -> tuple[tuple[str, str], ...]:
    variables = wanted.environment_variables or ()
    named = {one.name for one in variables}
    config = wanted.config_map or ConfigMap()
    return (
        *((name, text) for name, text in config.key_value_pairs.items() if name not in named),
        *((one.name, one.value or "") for one in variables if one.secure_value is None),
    )


def _read_protocol(text: str) -> engine.Protocol:
    return "UDP" if text.upper() == "UDP" else "TCP"


def _plan_probe(probe: ContainerProbe | None) -> engine.Probe | None:
    if probe is None:
        return None
    http = probe.http_get
    return engine.Probe(
        command=tuple(probe.exec_.command) if probe.exec_ else None,
        http=engine.HttpGet(
            http.path if http.path.startswith("/") else f"/{http.path}",
            http.port,
            "https" if http.scheme.casefold() == "https" else "http",
            tuple((one.name, one.value) for one in http.http_headers),
        )
        if http
        else None,
        initial_delay_s=probe.initial_delay_seconds or 0,
        period_s=probe.period_seconds or 10,
        failure_threshold=probe.failure_threshold or 3,
        success_threshold=probe.success_threshold or 1,
        timeout_s=probe.timeout_seconds or 1,
    )


def _plan_security(context: SecurityContext | None) -> engine.Security:
    if context is None:
        return engine.Security()
    capabilities = context.capabilities
    profile = context.seccomp_profile
    return engine.Security(
        run_as_user=context.run_as_user,
        run_as_group=context.run_as_group,
        allow_privilege_escalation=bool(context.allow_privilege_escalation),
        read_only_root=bool(context.read_only_root_filesystem),
        added_capabilities=tuple((capabilities.add if capabilities else None) or ()),
        dropped_capabilities=tuple((capabilities.drop if capabilities else None) or ()),
        seccomp_profile=base64.b64decode(profile).decode() if profile else None,
    )


def _plan_volume(volume: Volume, wish: Wish) -> engine.VolumePlan:
    source: engine.EmptyDir | engine.Secret | engine.GitRepo | engine.Share
    if volume.azure_file is not None:
        source = engine.Share(wish.shares[volume.name], volume.azure_file.read_only)
    elif volume.git_repo is not None:
        repo = volume.git_repo
        source = engine.GitRepo(repo.repository, repo.directory or "", repo.revision or "")
    elif volume.secret is not None:
        source = engine.Secret({name: decode(text) for name, text in volume.secret.items()})
    else:
        source = engine.EmptyDir()
    return engine.VolumePlan(volume.name, source)


def decode(text: str) -> bytes:
    """Return a secret file's content; Azure takes base64, and ``az`` sends it so."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def _plan_network(name: str, group: ContainerGroup, wish: Wish) -> engine.NetworkPlan:
    address, dns = group.ip_address, group.dns_config
    ports = address.ports if address is not None else ()
    return engine.NetworkPlan(
        router=wish.router,
        address=wish.address or None,
        subnet=wish.subnet or None,
        ipv6=wish.ipv6 or None,
        public_address=wish.public_address or None,
        ports=tuple(engine.Port(_read_protocol(one.protocol), one.port) for one in ports),
        hostname=name[:63],
        dns_servers=dns.name_servers if dns else tuple(wish.dns_servers),
        dns_search=tuple((dns.search_domains or "").split()) if dns else (),
        dns_options=tuple((dns.options or "").split()) if dns else (),
        names=(wish.fqdn,) if wish.fqdn else (),
    )
