"""Who is believed by an API server, beside its own certificates: the people of a directory.

Tokens are checked by Kubernetes itself (structured authentication), with keys that it fetches.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from silo import core

from .certificates import Pair
from .errors import StepFailed
from .paths import ClusterPaths
from .plans import ClusterPlan, SignIn

LOCAL_ACCOUNTS = "local-accounts-ca"
"""The authority of administrators' certificates: to believe them no more, it is left out."""
OBJECT_ID, ISSUED, CREDENTIAL = "entra.silo/oid", "entra.silo/iat", "entra.silo/cred"
"""What of a token goes on to whoever decides, under names that only tokens can give."""
_BINDING = "aks-cluster-admin-binding-aad"
"""As AKS names it."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the people of the instance are known."""

    issuer: str
    """``iss`` of their tokens, and where the keys are found."""
    audience: str
    tenant: str
    authority: Path
    """Who vouches for the certificates of issuer and authorizer."""
    authorizer: str
    """Who is asked what they may do; the cluster's uid goes into ``{}``."""
    login: str
    """Where programs sign in."""
    make_token: Callable[[str], str] = field(repr=False)
    """The word by which the authorizer knows a cluster."""


def write_files(plan: ClusterPlan, paths: ClusterPaths, directory: Directory | None) -> None:
    """Write what the API server reads about people.

    Raises:
        StepFailed: people shall come in, and nobody knows them.

    """
    known = ["ca", LOCAL_ACCOUNTS] if plan.local_accounts else ["ca"]
    believed = b"".join(Pair(paths.pki, name).certificate.read_bytes() for name in known)
    core.write_private(locate_authorities(paths), believed)
    if plan.sign_in is None:
        return
    if directory is None:
        raise StepFailed("There is no directory whose people could sign in.")
    text = json.dumps(_describe_authentication(directory), indent=1)
    core.write_private(_locate(paths), text.encode())


def flag_api_server(plan: ClusterPlan, paths: ClusterPaths) -> dict[str, str]:
    """Return the API server's flags about whom it believes."""
    flags = {
        "anonymous-auth": "false",
        "client-ca-file": str(locate_authorities(paths)),
    }
    if plan.sign_in is None:
        return flags
    return {**flags, "authentication-config": str(_locate(paths))}


def list_objects(sign_in: SignIn | None) -> dict[str, dict[str, Any]]:
    """Return the objects that give a cluster's administrators their rights, by path."""
    if sign_in is None:
        return {}
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _BINDING},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [
            {"apiGroup": group, "kind": "Group", "name": name} for name in sign_in.administrators
        ],
    }
    return {f"/apis/{group}/v1/clusterrolebindings/{_BINDING}": binding}


def locate_authorities(paths: ClusterPaths) -> Path:
    """Return the file of those whose certificates are believed."""
    return paths.config / "client-authorities.pem"


def _locate(paths: ClusterPaths) -> Path:
    return paths.config / "authentication.json"


def _describe_authentication(directory: Directory) -> dict[str, Any]:
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [
            {
                "issuer": {
                    "url": directory.issuer,
                    "audiences": [directory.audience],
                    "certificateAuthority": directory.authority.read_text(),
                },
                "claimValidationRules": [
                    {
                        "expression": f"claims.tid == '{directory.tenant}'",
                        "message": "the token is from another tenant",
                    },
                    {
                        "expression": "has(claims.appid) && has(claims.oid)",
                        "message": "the token is not an access token",
                    },
                ],
                "claimMappings": {
                    # As AKS has it: people by their name, programs by their id.
                    "username": {"expression": "has(claims.upn) ? claims.upn : claims.oid"},
                    "groups": {"expression": "has(claims.groups) ? claims.groups : []"},
                    "uid": {"expression": "claims.oid"},
                    "extra": [
                        {"key": OBJECT_ID, "valueExpression": "claims.oid"},
                        {"key": ISSUED, "valueExpression": "string(int(claims.iat))"},
                        {
                            "key": CREDENTIAL,
                            "valueExpression": "has(claims.silo_cred) ? claims.silo_cred : ''",
                        },
                    ],
                },
                "userValidationRules": [
                    {
                        "expression": "!user.username.startsWith('system:')",
                        "message": "the name is one of Kubernetes' own",
                    },
                    {
                        "expression": "user.groups.all(one, !one.startsWith('system:'))",
                        "message": "the group is one of Kubernetes' own",
                    },
                ],
            }
        ],
    }
