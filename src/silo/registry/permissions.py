"""Which of Azure's actions lets a caller do what in a registry.

Control-plane actions are what Owner, Contributor, Reader, AcrPull, AcrPush and AcrDelete hold;
the data actions are those of the Container Registry Repository roles. Either one suffices.
Whoever may pull may also see names and attributes: AcrPull lists tags in Azure (decision 0013).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from silo import access

PREFIX = "Microsoft.ContainerRegistry/registries"


class Action(StrEnum):
    """The actions of a token's ``access`` claim, as ACR names them."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"
    METADATA_READ = "metadata_read"
    METADATA_WRITE = "metadata_write"
    DELETED_READ = "deleted_read"
    DELETED_RESTORE = "deleted_restore"
    CATALOG = "*"
    """Of ``registry:catalog:*``."""


_PULL = f"{PREFIX}/pull/read"
_ACTIONS: dict[Action, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Action.PULL: ((_PULL,), (f"{PREFIX}/repositories/content/read",)),
    Action.PUSH: ((f"{PREFIX}/push/write",), (f"{PREFIX}/repositories/content/write",)),
    Action.DELETE: (
        (f"{PREFIX}/artifacts/delete",),
        (f"{PREFIX}/repositories/content/delete",),
    ),
    Action.METADATA_READ: (
        (_PULL, f"{PREFIX}/metadata/read"),
        (f"{PREFIX}/repositories/metadata/read",),
    ),
    Action.METADATA_WRITE: (
        (f"{PREFIX}/push/write", f"{PREFIX}/metadata/write"),
        (f"{PREFIX}/repositories/metadata/write",),
    ),
    Action.DELETED_READ: ((f"{PREFIX}/deleted/read",), ()),
    Action.DELETED_RESTORE: ((f"{PREFIX}/deleted/restore/action",), ()),
    Action.CATALOG: ((_PULL, f"{PREFIX}/catalog/read"), (f"{PREFIX}/catalog/read",)),
}
REPOSITORY_ACTIONS = tuple(action for action in Action if action is not Action.CATALOG)


class Authorize(Protocol):
    """Somebody who decides; ``access.Authorizer.decide`` fits."""

    def __call__(
        self, principal: access.Principal, action: str, scope: str, *, data: bool = False
    ) -> access.Decision:
        """Decide one action on one resource."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something may be done, and the reason for the log."""

    allowed: bool
    reason: str


def decide(
    authorize: Authorize, principal: access.Principal, action: Action, resource_id: str
) -> Verdict:
    """Decide whether a principal may do something in a registry."""
    actions, data_actions = _ACTIONS[action]
    reason = ""
    for names, data in ((actions, False), (data_actions, True)):
        for name in names:
            decision = authorize(principal, name, resource_id, data=data)
            if decision.allowed:
                return Verdict(allowed=True, reason=decision.reason)
            reason = reason or decision.reason
    return Verdict(allowed=False, reason=reason)
