"""Pods that act as an identity of Azure's: they get a token for it, and are told where to show it.

As upstream's webhook (azure-workload-identity 1.5) does it, but by policies that the API server
evaluates itself: there is no program that could be away while pods are made (decision 0028). What
cannot be evaluated is refused, and so is a pod that asked for a token and would have got none.

Sources: https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy
"""

from collections.abc import Mapping
from typing import Any

from .authentication import Directory
from .errors import StepFailed
from .plans import ClusterPlan

_AUDIENCE = "api://AzureADTokenExchange"
_FOLDER, _FILE = "/var/run/secrets/azure/tokens", "azure-identity-token"
_PREFIX = "azure.workload.identity"
_USES = {"matchLabels": {f"{_PREFIX}/use": "true"}}
_LIFE_S = 3600, 86400
"""The shortest, which is the default, and the longest life of a token."""
_NAME = "azure-workload-identity"
_GROUP = "admissionregistration.k8s.io"
_EVERY_ACCOUNT = {"selector": {}, "parameterNotFoundAction": "Deny"}
"""Of the pod's namespace; a condition of the policy leaves its own."""
_GATE = "MutatingAdmissionPolicy"
_GENERAL_SINCE = (1, 36)
"""The minor in which mutating policies left beta, and need no switch."""


def flag_api_server(plan: ClusterPlan) -> dict[str, str]:
    """Return the API server's flags by which it knows the policies.

    With or without pods that use them: what a cluster has of them can always be taken away.
    """
    if _find_version(plan) == "v1":
        return {}
    return {"feature-gates": f"{_GATE}=true", "runtime-config": f"{_GROUP}/v1beta1=true"}


def list_objects(
    plan: ClusterPlan, directory: Directory | None
) -> dict[str, Mapping[str, Any] | None]:
    """Return the policies by their paths; nothing in the place of those that are not to be.

    Raises:
        StepFailed: pods shall have identities, and nobody knows them.

    """
    version = _find_version(plan)
    paths = (
        _locate(version, "mutatingadmissionpolicies"),
        _locate(version, "mutatingadmissionpolicybindings"),
        _locate("v1", "validatingadmissionpolicies"),
        _locate("v1", "validatingadmissionpolicybindings"),
    )
    if not plan.pod_identity:
        return dict.fromkeys(paths)
    if directory is None:
        raise StepFailed("There is no directory that would know the identities of pods.")
    described = (
        _describe("Mutating", version, _describe_mutation(directory)),
        _describe_binding("Mutating", version, {"paramRef": _EVERY_ACCOUNT}),
        _describe("Validating", "v1", _describe_validation()),
        _describe_binding("Validating", "v1", {"validationActions": ["Deny"]}),
    )
    return dict(zip(paths, described, strict=True))


def _locate(version: str, kind: str) -> str:
    return f"/apis/{_GROUP}/{version}/{kind}/{_NAME}"


def _find_version(plan: ClusterPlan) -> str:
    major, minor, *_ = map(int, plan.version.split("."))
    return "v1" if (major, minor) >= _GENERAL_SINCE else "v1beta1"


def _describe(kind: str, version: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    pods = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods"],
        "operations": ["CREATE"],
    }
    return {
        "apiVersion": f"{_GROUP}/{version}",
        "kind": f"{kind}AdmissionPolicy",
        "metadata": {"name": _NAME},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [pods], "objectSelector": _USES},
            **spec,
        },
    }


def _describe_binding(kind: str, version: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": f"{_GROUP}/{version}",
        "kind": f"{kind}AdmissionPolicyBinding",
        "metadata": {"name": _NAME},
        "spec": {"policyName": _NAME, **spec},
    }


def _describe_validation() -> dict[str, Any]:
    """Refuse what asked for a token and has none: its service account is not known yet, say."""
    least, most = _LIFE_S
    source = "one.serviceAccountToken"
    life = f"{source}.?expirationSeconds.orValue({least})"
    no_proxy = f"!('{_PREFIX}/inject-proxy-sidecar' in object.metadata.?annotations.orValue({{}}))"
    return {
        "variables": [
            {
                "name": "sources",
                "expression": "object.spec.?volumes.orValue([]).filter(one, has(one.projected))"
                ".map(one, one.projected.?sources.orValue([])).flatten()"
                f".filter(one, has({source}) && {source}.path == '{_FILE}')",
            }
        ],
        "validations": [
            {
                "expression": "size(variables.sources) > 0",
                "message": "the pod's service account is not known yet, so that it would have no "
                "token of it; try again",
            },
            {
                "expression": f"variables.sources.all(one, {life} >= {least} && {life} <= {most})",
                "message": "token expiration not valid. Expected value to be between "
                f"{least} and {most}",
            },
            {
                "expression": no_proxy,
                "message": f"{_PREFIX}/inject-proxy-sidecar is not supported: there is no proxy "
                "that would stand for the metadata endpoint of Azure",
            },
        ],
    }


def _describe_mutation(directory: Directory) -> dict[str, Any]:
    account = "object.spec.?serviceAccountName.orValue('')"
    skipped = _read_annotation("object", "skip-containers")
    kinds = ("initContainers", "containers")
    expressions = [_mount_volume(), *(_fill_containers(kind) for kind in kinds)]
    return {
        "paramKind": {"apiVersion": "v1", "kind": "ServiceAccount"},
        "matchConditions": [
            {
                "name": "own-service-account",
                "expression": f"params.metadata.name == ({account} == '' ? 'default' : {account})",
            }
        ],
        "variables": [
            {"name": "skipped", "expression": f"{skipped}.split(';').map(one, one.trim())"},
            {"name": "wanted", "expression": _list_environment(directory)},
            {"name": "life", "expression": _read_life()},
        ],
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": one}} for one in expressions
        ],
        "reinvocationPolicy": "IfNeeded",
    }


def _read_annotation(of: str, name: str, default: str = "''") -> str:
    return f"{of}.metadata.?annotations[?'{_PREFIX}/{name}'].orValue({default})"


def _list_environment(directory: Directory) -> str:
    values = {
        "AZURE_CLIENT_ID": _read_annotation("params", "client-id"),
        "AZURE_TENANT_ID": _read_annotation("params", "tenant-id", f"'{directory.tenant}'"),
        "AZURE_FEDERATED_TOKEN_FILE": f"'{_FOLDER}/{_FILE}'",
        "AZURE_AUTHORITY_HOST": f"'{directory.login}/'",
    }
    listed = ", ".join(f"{{'name': '{name}', 'value': {of}}}" for name, of in values.items())
    return f"[{listed}].filter(one, one.value != '')"


def _read_life() -> str:
    """Return what reads a token's life: of the pod, else of its service account."""
    name = "service-account-token-expiration"
    of_pod, of_account = _read_annotation("object", name), _read_annotation("params", name)
    default = f"({of_account} != '' ? {of_account} : '{_LIFE_S[0]}')"
    return f"int({of_pod} != '' ? {of_pod} : {default})"


def _mount_volume() -> str:
    volume = "Object.spec.volumes"
    source = f"{volume}.projected.sources"
    token = (
        f"{source}.serviceAccountToken{{path: '{_FILE}', expirationSeconds: variables.life, "
        f"audience: '{_AUDIENCE}'}}"
    )
    made = (
        f"{volume}{{name: '{_FILE}', projected: {volume}.projected{{sources: "
        f"[{source}{{serviceAccountToken: {token}}}]}}}}"
    )
    there = (
        "object.spec.?volumes.orValue([]).exists(one, has(one.projected) && "
        "one.projected.?sources.orValue([]).exists(source, has(source.serviceAccountToken) && "
        f"source.serviceAccountToken.path == '{_FILE}'))"
    )
    return f"{there} ? [] : ({_append('object.spec', 'volumes', _quote('/spec/'), made)})"


def _fill_containers(kind: str) -> str:
    at = f"'/spec/{kind}/' + string(index) + '/'"
    mount = (
        f"Object.spec.{kind}.volumeMounts{{name: '{_FILE}', mountPath: '{_FOLDER}', "
        "readOnly: true}"
    )
    missing = (
        "variables.wanted.filter(one, !item.?env.orValue([]).exists(had, had.name == one.name))"
    )
    env = f"(has(item.env) ? [] : [{_patch(at, 'env', '[]')}])"
    added = f"{missing}.map(one, {_patch(at, 'env/-', 'one')})"
    mounted = f"item.?volumeMounts.orValue([]).exists(had, had.name == '{_FILE}')"
    mounts = f"({mounted} ? [] : ({_append('item', 'volumeMounts', at, mount)}))"
    return (
        f"object.spec.?{kind}.orValue([]).transformList(index, item, "
        f"!(item.name in variables.skipped), {env} + {added} + {mounts}).flatten()"
    )


def _append(of: str, name: str, at: str, value: str) -> str:
    """Return the patches that add to a list which may not be there."""
    made = f"(has({of}.{name}) ? [] : [{_patch(at, name, '[]')}])"
    return f"{made} + [{_patch(at, f'{name}/-', value)}]"


def _patch(at: str, name: str, value: str) -> str:
    return f"JSONPatch{{op: 'add', path: {at} + '{name}', value: {value}}}"


def _quote(text: str) -> str:
    return f"'{text}'"
