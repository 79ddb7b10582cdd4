"""What the provider is given by the rest of the house; what is not there is refused."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from silo import arm, core, engine, workload

from .quotas import Promise, Quota


class Place(Protocol):
    """Gives a group an address in a subnet, or refuses in Azure's words; repeatable."""

    def __call__(
        self, conn: core.Connection, call: arm.Call, subnet_id: str, group: arm.ResourceId, uid: str
    ) -> engine.NetworkPlan:
        """Return router, subnet and address."""
        ...


class FindShare(Protocol):
    """Account, its key and a share to the folder to mount."""

    def __call__(
        self, conn: core.Connection, account: str, key: str, share: str, *, read_only: bool
    ) -> Path:
        """Raise a ``SiloError`` that says why it may not be mounted so."""
        ...


OpenCredentials = Callable[[str, Sequence[workload.RegistryLogin]], engine.Credentials]
"""Uid of a group and its logins, to what answers for it; ``workload.PullCredentials.open``."""
CheckWorkspace = Callable[[core.Connection, str, str], object]
"""Id and key of a Log Analytics workspace; refuses what does not fit together."""
FindEnvironment = Callable[[core.Connection, arm.Resource], tuple[tuple[str, str], ...]]
"""The variables that every container of a group gets, secrets among them."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process has; the doors have no groups, for they run none."""

    resources: arm.Resources
    vault: core.Vault
    domain: str
    unavailable: Callable[[], str]
    """Why nothing can be run here; nothing when it can."""
    promise: Promise
    open_credentials: OpenCredentials
    quota: Quota = field(default_factory=Quota)
    """Of each subscription."""
    levels: Mapping[engine.Level, str] = field(default_factory=dict)
    """What this machine lacks for each, or policy says of it; nothing for those groups can have."""
    default_level: engine.Level = engine.Level.SANDBOX
    groups: Callable[[], engine.Groups] | None = None
    read_log: Callable[[str, str, datetime, int | None, bool], Awaitable[str]] | None = None
    """Uid, container, since when, last lines, with timestamps, to text."""
    place: Place | None = None
    lease_public: Callable[[core.Connection, str], str] | None = None
    """Uid to the group's public address."""
    release: Callable[[core.Connection, str], None] | None = None
    """Takes back every address of a group."""
    find_share: FindShare | None = None
    find_environment: FindEnvironment | None = None
    find_secrets: FindEnvironment | None = None
    check_workspace: CheckWorkspace | None = None
    drain_logs: Callable[[str], Awaitable[None]] | None = None
    """Brings the rest of a group's output into its workspace, before it is removed."""
