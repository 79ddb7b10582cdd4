"""The one decision about the directory: caller x action x object -> yes or no, and why. Pure.

Closed by default, with Entra's rules where they give rights:

* a directory role allows its actions;
* any member (a user, not a service principal) may read basic directory data;
* a user's token must say that its application may act for the user in the directory;
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


DELEGATION = "Directory.AccessAsUser.All"
"""The permission in a user's token without which an application may read ``/me`` alone."""
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
    is_user = caller.principal.type is access.PrincipalType.USER
    if is_user and action != "me/read" and DELEGATION not in caller.principal.token_scopes:
        return _refuse(f"The token lacks the permission {DELEGATION}.")
    own_id = caller.principal.object_id
    if target is not None and target.id == own_id and action in _SELF_ACTIONS:
        return _allow("It is the caller's own account.")
    if target is not None and target.roles and action in _SIGN_IN_ACTIONS:
        return _decide_privileged(caller, action)
    for role_id in sorted(caller.roles):
        if _allows(frozenset({role_id}), action):
            return _allow(f"Allowed by '{ROLES[role_id].display_name}'.")
    return _decide_without_role(caller, action, target)


def _decide_without_role(caller: Caller, action: str, target: Target | None) -> GraphDecision:
    is_user = caller.principal.type is access.PrincipalType.USER
    if is_user and action in READ:
        return _allow("Every member may read basic directory data.")
    is_owner = target is not None and caller.principal.object_id in target.owners
    if is_owner and action in _OWNER_ACTIONS and (is_user or APPLICATION_DEVELOPER in caller.roles):
        return _allow("The caller owns the object.")
    return _refuse("No directory role of the caller allows this.")


def _decide_privileged(caller: Caller, action: str) -> GraphDecision:
    if _allows(caller.roles & _PRIVILEGED, action):
        return _allow("Allowed by a privileged role.")
    return _refuse("The object holds a directory role; only a Global Administrator may do this.")


def _allow(reason: str) -> GraphDecision:
    return GraphDecision(allowed=True, reason=reason)


def _refuse(reason: str) -> GraphDecision:
    return GraphDecision(allowed=False, reason=reason)


def _allows(roles: frozenset[str], action: str) -> bool:
    patterns = (pattern for role in roles if role in ROLES for pattern in ROLES[role].actions)
    return any(
        action.startswith(pattern[:-1]) if pattern.endswith("*") else action == pattern
        for pattern in patterns
    )
