"""The one decision about the directory: caller x action x object -> yes or no, and why. Pure.

Closed by default, with Entra's rules where they give rights:

* a directory role allows its actions;
* any member (a user, not a service principal) may read basic directory data;
* an owner may manage the applications, service principals and groups it owns;
* whatever touches the sign-in of somebody who holds a directory role needs a role that could give
  that role away: nobody climbs by resetting an administrator's password or secret.
"""

from dataclasses import dataclass

from silo import access

from .directory_roles import (
    APPLICATION_DEVELOPER,
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    READ,
    ROLES,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the directory roles in their hands now."""

    principal: access.Principal
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """What a decision needs to know of the object acted on."""

    id: str
    owners: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    """Directory roles it holds; those of its service principal for an application."""


@dataclass(frozen=True, slots=True)
class GraphDecision:
    """The answer, and the sentence that explains it."""

    allowed: bool
    reason: str


_OWNER_ACTIONS = frozenset(
    {
        "applications/basic/update",
        "applications/credentials/update",
        "applications/owners/update",
        "applications/delete",
        "servicePrincipals/create",
        "servicePrincipals/basic/update",
        "servicePrincipals/credentials/update",
        "servicePrincipals/owners/update",
        "servicePrincipals/enable",
        "servicePrincipals/disable",
        "servicePrincipals/delete",
        "groups/basic/update",
        "groups/members/update",
        "groups/owners/update",
        "groups/delete",
    }
)
_SELF_ACTIONS = frozenset({"me/read", "me/changePassword", "users/invalidateAllRefreshTokens"})
_SIGN_IN_ACTIONS = frozenset(
    {
        "users/userPrincipalName/update",
        "users/enable",
        "users/disable",
        "users/password/update",
        "users/invalidateAllRefreshTokens",
        "users/delete",
        "applications/credentials/update",
        "applications/owners/update",
        "applications/delete",
        "servicePrincipals/credentials/update",
        "servicePrincipals/owners/update",
        "servicePrincipals/enable",
        "servicePrincipals/disable",
        "servicePrincipals/delete",
    }
)
"""With these one could become the object, or put it out of action."""
_PRIVILEGED = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})


def decide_graph(caller: Caller, action: str, target: Target | None = None) -> GraphDecision:
    """Decide one action; its name is Entra's without ``microsoft.directory/``."""
    own_id = caller.principal.object_id
    if target is not None and target.id == own_id and action in _SELF_ACTIONS:
        return GraphDecision(allowed=True, reason="It is the caller's own account.")
    if target is not None and target.roles and action in _SIGN_IN_ACTIONS:
        allowed = _allows(caller.roles & _PRIVILEGED, action)
        reason = "The object holds a directory role; only a Global Administrator may do this."
        return GraphDecision(allowed, "Allowed by a privileged role." if allowed else reason)
    for role_id in sorted(caller.roles):
        if _allows(frozenset({role_id}), action):
            return GraphDecision(
                allowed=True, reason=f"Allowed by '{ROLES[role_id].display_name}'."
            )
    if caller.principal.type is access.PrincipalType.USER and action in READ:
        return GraphDecision(allowed=True, reason="Every member may read basic directory data.")
    if target is not None and own_id in target.owners and action in _OWNER_ACTIONS:
        return _decide_owner(caller)
    return GraphDecision(allowed=False, reason="No directory role of the caller allows this.")


def _decide_owner(caller: Caller) -> GraphDecision:
    if caller.principal.type is access.PrincipalType.USER:
        return GraphDecision(allowed=True, reason="The caller owns the object.")
    if APPLICATION_DEVELOPER in caller.roles:
        return GraphDecision(allowed=True, reason="The caller is a developer and owns the object.")
    return GraphDecision(allowed=False, reason="A service principal needs a directory role.")


def _allows(roles: frozenset[str], action: str) -> bool:
    patterns = (pattern for role in roles if role in ROLES for pattern in ROLES[role].actions)
    return any(
        action.startswith(pattern[:-1]) if pattern.endswith("*") else action == pattern
        for pattern in patterns
    )
