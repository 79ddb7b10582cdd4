"""Volumes for claims: made when they are asked for, brought to pods, enlarged, and taken away.

Kubernetes' own controllers bind claims to volumes and decide when one is released. This does what
provisioner, attacher and resizer of a storage driver do beside them.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any, NoReturn, Protocol

import structlog

from silo import core

from . import attaching
from .api import Api
from .attaching import Source
from .claims import (
    RESIZING,
    Claim,
    Use,
    Volume,
    describe_busy,
    describe_refusal,
    describe_volume,
    describe_waiting,
    find_reason,
    read_claim,
    read_use,
    read_volume,
)
from .errors import StepFailed
from .paths import ClusterPaths
from .tending import Tending
from .watching import Mirror

log = structlog.get_logger()

_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_VOLUMES = "/api/v1/persistentvolumes"
_RETRY_S = 2.0
_HOLDS = 5
"""How often a volume is tried to be made larger before pods that wait for it go on as it is."""
_LOOK_S = 1.0
"""How soon a node that lost its volumes, having started anew, has them again."""


class Maker(Protocol):
    """Who has volumes of one kind."""

    @property
    def is_exclusive(self) -> bool:
        """Whether a volume is at one node at a time."""
        ...

    async def make(self, name: str, gib: int) -> None:
        """Have a volume; repeatable."""
        ...

    async def open(self, name: str) -> Source:
        """Return what a node is given."""
        ...

    async def grow(self, name: str, gib: int) -> bool:
        """Make a volume larger; tell whether it is, for it may be in use."""
        ...

    async def remove(self, name: str) -> None:
        """Have a volume go with all that is in it; repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class Moves:
    """What is to be done with one volume."""

    attach: Sequence[str] = ()
    detach: Sequence[str] = ()
    refused: Sequence[Use] = ()
    """Pods that have to wait until those of another node let go."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """How it stands with a volume."""

    volume: Volume
    claim: Claim | None
    used_by: Sequence[Use]
    at: set[str]
    """The nodes that have it."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """How often a volume was to be so large in vain, while these pods used it."""

    gib: int
    users: frozenset[str]
    times: int = 0


class Storing:
    """Gives a cluster's claims their volumes."""

    def __init__(
        self,
        paths: ClusterPaths,
        clock: core.Clock,
        tending: Tending,
        makers: Mapping[str, Maker],
    ) -> None:
        """Have volumes of kinds that are known by their provisioner's name."""
        self._notes = paths.processes
        self._clock = clock
        self._tending = tending
        self._makers = makers
        self._claims = Mirror("/api/v1/persistentvolumeclaims", read_claim)
        self._volumes = Mirror(_VOLUMES, read_volume)
        self._uses = Mirror("/api/v1/pods", read_use)
        self._told: dict[str, str] = {}
        """What was told last of each object that there is."""
        self._tried: dict[str, _Tried] = {}
        """What could not grow so far."""

    async def run(self, api: Api) -> NoReturn:
        """Follow claims, volumes and pods for ever.

        Raises:
            StepFailed: the API server does not answer.

        """
        changed = asyncio.Event()
        mirrors = (self._claims, self._volumes, self._uses)
        async with asyncio.TaskGroup() as tasks:
            for mirror in mirrors:
                tasks.create_task(mirror.follow(api, changed.set))
            patience: float | None = None
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await changed.wait()
                changed.clear()
                if all(mirror.complete for mirror in mirrors):
                    patience = await self._settle(api)

    async def _settle(self, api: Api) -> float | None:
        """Do what is to be done; return when to look again though nothing has been told."""
        known = {volume.name for volume in self._volumes.items.values()}
        asked = [one for one in self._claims.items.values() if one.asked_of in self._makers]
        ours = [one for one in self._volumes.items.values() if one.made_by in self._makers]
        pids = self._find_nodes() if ours else {}
        attached = await self._tending.look(attaching.list_attached, pids)
        claims = {claim.uid: claim for claim in self._claims.items.values()}
        present = claims.keys() | {use.uid for use in self._uses.items.values()}
        self._told = {uid: told for uid, told in self._told.items() if uid in present}
        users = self._list_users()
        done = [await self._provide(api, one) for one in asked if one.name_to_be not in known]
        busy = False
        for volume in ours:
            claim = claims.get(volume.claim)
            if claim is not None and claim.volume != volume.name:
                claim = None
            used_by = users.get((claim.namespace, claim.name), []) if claim is not None else []
            stand = _Stand(volume, claim, used_by, attached.get(volume.name, set()))
            busy = busy or bool(used_by)
            if volume.is_left:
                done.append(await self._remove(api, stand, pids))
                continue
            if claim is not None and claim.gib > volume.gib:
                done.append(await self._grow(api, stand, claim, pids))
                if not done[-1]:
                    continue
            done.append(await self._move(api, stand, pids))
        if not all(done):
            return _RETRY_S
        return _LOOK_S if busy else None

    def _find_nodes(self) -> dict[str, int]:
        found = {}
        for node in attaching.list_nodes(self._notes):
            with contextlib.suppress(StepFailed):
                found[node] = self._tending.find(f"init-{node}")
        return found

    def _list_users(self) -> dict[tuple[str, str], list[Use]]:
        found: dict[tuple[str, str], list[Use]] = {}
        for use in self._uses.items.values():
            for name in use.claims:
                found.setdefault((use.namespace, name), []).append(use)
        return found

    async def _provide(self, api: Api, claim: Claim) -> bool:
        """Make a claim's volume; tell whether there is no more to do."""
        try:
            class_ = await api.find(f"{_CLASSES}/{claim.class_name}")
            reason = claim.extra or find_reason(claim, class_ or {})
            if class_ is None or reason:
                why = reason if class_ is not None or claim.extra else "its storage class is gone"
                await self._refuse(api, claim, why)
                # A class may come; what it says, and what the claim asks for, stays.
                return class_ is not None or bool(claim.extra)
            await self._makers[claim.asked_of].make(claim.name_to_be, claim.gib)
            await api.put(f"{_VOLUMES}/{claim.name_to_be}", describe_volume(claim, class_))
        except (core.SiloError, OSError) as error:
            log.warning("volume cannot be made", volume=claim.name_to_be, why=str(error))
            if not isinstance(error, StepFailed):
                await self._try_to_refuse(api, claim)
            return False
        return True

    async def _remove(self, api: Api, stand: _Stand, pids: Mapping[str, int]) -> bool:
        volume = stand.volume
        try:
            # Data first: a volume that is gone tells nobody that some is left.
            await self._detach(stand, list(stand.at), pids)
            await self._makers[volume.made_by].remove(volume.name)
            await api.delete(f"{_VOLUMES}/{volume.name}")
        except (core.SiloError, OSError) as error:
            log.warning("volume cannot be removed", volume=volume.name, why=str(error))
            return False
        self._tried.pop(volume.name, None)
        return True

    async def _detach(self, stand: _Stand, nodes: Iterable[str], pids: Mapping[str, int]) -> None:
        for node in nodes:
            await self._tending.do(attaching.detach, pids[node], stand.volume.name)
            stand.at.discard(node)

    async def _move(self, api: Api, stand: _Stand, pids: Mapping[str, int]) -> bool:
        """Have a volume where its pods are; tell whether it is."""
        volume, maker = stand.volume, self._makers[stand.volume.made_by]
        moves = plan_moves(stand.used_by, stand.at, is_exclusive=maker.is_exclusive)
        try:
            await self._detach(stand, moves.detach, pids)
            for node in (one for one in moves.attach if one in pids):
                source = await maker.open(volume.name)
                await self._tending.do(attaching.attach, pids[node], volume.name, source)
            for use in moves.refused:
                await self._warn(api, describe_busy(volume, use, self._render_now()))
        except (core.SiloError, OSError) as error:
            log.warning("volume is not where it is used", volume=volume.name, why=str(error))
            return False
        return True

    async def _grow(self, api: Api, stand: _Stand, claim: Claim, pids: Mapping[str, int]) -> bool:
        """Make a volume as large as its claim by now is; tell whether there is no more to do.

        Where that needs a volume that nobody uses, pods that come have to wait for a moment.
        """
        volume, users = stand.volume, frozenset(use.uid for use in stand.used_by)
        maker, runs = self._makers[volume.made_by], any(use.runs for use in stand.used_by)
        tried = self._tried.get(volume.name, _Tried(0, users))
        if (tried.gib, tried.users) != (claim.gib, users):
            tried = _Tried(claim.gib, users)
        elif users and tried.times >= (1 if runs else _HOLDS):
            return True
        self._tried[volume.name] = replace(tried, times=tried.times + 1)
        try:
            grown = await maker.grow(volume.name, claim.gib)
            if not grown and not runs:
                await self._detach(stand, list(stand.at), pids)
                grown = await maker.grow(volume.name, claim.gib)
            if grown:
                await _tell_grown(api, volume, claim)
                del self._tried[volume.name]
                return True
            if not claim.waits_for_pods:
                status = describe_waiting(self._render_now())
                await api.amend(f"{claim.path}/status", {"status": status})
        except (core.SiloError, OSError) as error:
            log.warning("volume does not grow", volume=volume.name, why=str(error))
            return False
        return runs

    async def _try_to_refuse(self, api: Api, claim: Claim) -> None:
        with contextlib.suppress(StepFailed):
            await self._refuse(api, claim, "this machine does not make it; Silo's log says why")

    async def _refuse(self, api: Api, claim: Claim, reason: str) -> None:
        await self._warn(api, describe_refusal(claim, reason, self._render_now()))

    async def _warn(self, api: Api, event: Mapping[str, Any]) -> None:
        """Write an event, once."""
        about = event["involvedObject"]["uid"]
        if self._told.get(about) != event["message"]:
            path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
            await api.create(path, event)
            self._told[about] = event["message"]

    def _render_now(self) -> str:
        return self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plan_moves(used_by: Iterable[Use], at: set[str], *, is_exclusive: bool) -> Moves:
    """Return what brings a volume to its pods.

    It stays where it was last until somebody elsewhere wants it: the next pod is mostly there.
    """
    uses = sorted(used_by, key=lambda use: (use.created, use.uid))
    wanted = list(dict.fromkeys(use.node for use in uses))
    if not is_exclusive:
        return Moves(attach=[node for node in wanted if node not in at])
    if not wanted:
        return Moves()
    holder = next((node for node in wanted if node in at), wanted[0])
    return Moves(
        attach=[] if holder in at else [holder],
        detach=sorted(at - {holder}),
        refused=[use for use in uses if use.node != holder],
    )


async def _tell_grown(api: Api, volume: Volume, claim: Claim) -> None:
    size = {"storage": f"{claim.gib}Gi"}
    await api.amend(f"{_VOLUMES}/{volume.name}", {"spec": {"capacity": size}})
    status: dict[str, Any] = {"capacity": size}
    found = (await api.find(claim.path) or {}).get("status") or {}
    left = [one for one in found.get("conditions") or () if one.get("type") not in RESIZING]
    await api.amend(f"{claim.path}/status", {"status": {**status, "conditions": left}})
