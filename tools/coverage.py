"""The coverage table: what becomes of every Azure operation when it is sent to Silo.

Nobody fills it in by hand. ``tools/azure-operations.txt`` says what Azure has (see
``azure_operations``); the routes of the application say which operation answers, or the error.

    python -m tools.coverage        # writes docs/reference/coverage.md
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from silo import access, arm, core, engine, kube, storage, workload
from silo.app import composition
from silo.providers import containerinstance, containerservice

ROOT = Path(__file__).parents[1]
AZURE = ROOT / "tools" / "azure-operations.txt"
TABLE = ROOT / "docs" / "reference" / "coverage.md"

_GUID = "00000000-0000-0000-0000-000000000001"
_SCOPE = f"/subscriptions/{_GUID}/resourceGroups/g"
_REGISTRY = f"{_SCOPE}/providers/Microsoft.ContainerRegistry/registries/registry"
_ROLES = f"{_SCOPE}/providers/Microsoft.Authorization"
_WHOLE_IDS = {
    "scope": _SCOPE,
    "denyAssignmentId": f"{_ROLES}/denyAssignments/{_GUID}",
    "roleAssignmentId": f"{_ROLES}/roleAssignments/{_GUID}",
    "roleId": f"{_ROLES}/roleDefinitions/{_GUID}",
}
_PARTS = {
    "subscriptionId": _GUID,
    "resourceProviderNamespace": "Microsoft.ContainerRegistry",
    "resourceType": "registries",
    "parentResourcePath": "",
}
_METHODS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Row:
    """One Azure operation and what becomes of it."""

    namespace: str
    method: str
    path: str
    status: str
    """``works``, ``partly: which fields``, or ``refused: how``."""

    @property
    def kind(self) -> str:
        """``works``, ``partly`` or ``refused``."""
        return self.status.partition(":")[0]


def read_azure_operations(path: Path = AZURE) -> list[tuple[str, str, str]]:
    """Return namespace, method and path template of every operation of Azure's."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(namespace, method, url) for namespace, method, url in map(str.split, lines)]


def make_rows(
    azure: Iterable[tuple[str, str, str]], operations: Sequence[arm.Operation]
) -> list[Row]:
    """Ask the routes about every operation of Azure's."""
    routes = arm.Routes(operations)
    return [
        Row(namespace, method, path, _judge(routes, method, _fill(path)))
        for namespace, method, path in azure
    ]


def list_own(
    azure: Iterable[tuple[str, str, str]], operations: Sequence[arm.Operation]
) -> list[Row]:
    """Return what is served in these namespaces beyond Azure's documented operations."""
    known = list(azure)
    routes = arm.Routes(operations)
    reached = {id(found) for row in known if (found := _find(routes, row[1], _fill(row[2])))}
    namespaces = {namespace for namespace, _, _ in known}
    rows = [
        Row(operation.name.partition("/")[0], operation.method, operation.path, operation.coverage)
        for operation in operations
        if id(operation) not in reached
    ]
    kept = [row for row in rows if row.namespace in namespaces and row.kind != "refused"]
    return sorted(kept, key=lambda row: (row.namespace, row.path, row.method))


def render(rows: Sequence[Row], own: Sequence[Row]) -> str:
    """Return the page."""
    lines = [
        "# Coverage of Azure's management operations",
        "",
        "Made by `python -m tools.coverage` from the routes of the application and from",
        "`tools/azure-operations.txt`, the operations of Microsoft's own SDKs; do not edit.",
        "A test fails when this page and the code disagree.",
        "",
        "*works*: as documented. *partly*: with what is named. *refused*: answered with that",
        "error, never with a pretended success.",
        "",
        "| namespace | operations | works | partly | refused |",
        "|---|---|---|---|---|",
    ]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.namespace, []).append(row)
    for namespace, items in groups.items():
        lines.append(f"| {namespace} | {_count(items)} |")
    lines.append(f"| **all** | {_count(rows)} |")
    for namespace, items in groups.items():
        lines += ["", f"## {namespace}", "", *_render_table(items)]
    if own:
        lines += ["", "## Served beyond that list", "", *_render_table(own)]
    return "\n".join(lines) + "\n"


def _render_table(rows: Sequence[Row]) -> list[str]:
    lines = ["| operation | request | status |", "|---|---|---|"]
    lines += [
        f"| {_name(row)} | `{row.method} {_shorten(row.path)}` | {row.status} |" for row in rows
    ]
    return lines


def _count(rows: Sequence[Row]) -> str:
    counts: Mapping[str, int] = Counter(row.kind for row in rows)
    return " | ".join(
        str(n) for n in (len(rows), *(counts[k] for k in ("works", "partly", "refused")))
    )


def _name(row: Row) -> str:
    """Return what Azure calls the permission: types and what is done."""
    steps = [step for step in row.path.rpartition(f"{row.namespace}/")[2].split("/") if step]
    if row.namespace not in row.path:
        steps = [step for step in row.path.split("/") if step]
    types = [step for step in steps if not step.startswith("{")]
    if row.method == "POST":
        return "/".join((*types, "action"))
    return "/".join((*types, _METHODS[row.method]))


def _shorten(path: str) -> str:
    return path.replace("{subscriptionId}", "{subscription}").replace(
        "{resourceGroupName}", "{group}"
    )


def _fill(template: str) -> str:
    """Return a path that the template stands for."""
    head = re.match(r"/\{(\w+)\}", template)
    if head:
        return _WHOLE_IDS.get(head[1], _REGISTRY) + _fill_parts(template[head.end() :])
    return _fill_parts(template)


def _fill_parts(template: str) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda found: _PARTS.get(found[1], "x"), template)
    return re.sub(r"/+", "/", filled)


def _find(routes: arm.Routes, method: str, path: str) -> arm.Operation | None:
    try:
        return routes.find(method, path)[0]
    except arm.ArmError:
        return None


def _judge(routes: arm.Routes, method: str, path: str) -> str:
    try:
        return routes.find(method, path)[0].coverage
    except arm.ArmError as error:
        return f"refused: {error.status} {error.code}"


def list_operations(folder: Path) -> Sequence[arm.Operation]:
    """Return what the application serves; ``folder`` is for a database that stays empty."""
    clock = core.SystemClock()
    store = core.Store(folder / "silo.db")
    resources = arm.Resources(store, clock)
    vault = core.Vault(folder / "vault.key")
    pools = engine.split_pools("10.64.0.0/17", "10.64.128.0/17")

    async def apply(_router: str, _rules: engine.RuleSet) -> None:
        """Nothing runs here."""

    return composition.open_catalogue(
        resources,
        access.Authorizer(store),
        vault,
        monitor=store,
        metrics_days=0,
        shares=storage.Tree(folder / "shares"),
        pools=pools,
        apply_rules=apply,
        around=containerinstance.Surroundings(
            resources=resources,
            vault=vault,
            domain="silo.localhost",
            unavailable=lambda: "nothing runs here",
            promise=containerinstance.Promise(engine.read_capacity(), cpu_overcommit=1.0),
            open_credentials=_open_nothing,
        ),
        grounds=containerservice.Surroundings(
            resources=resources,
            domain="silo.localhost",
            tenant="",
            issuers="",
            unavailable=lambda: "nothing runs here",
            machine=kube.Size(0, 0),
            kits={},
            locate=lambda uid: kube.ClusterPaths.of_cluster(folder, folder, uid),
            lease_public=lambda _conn, _uid: "",
            release=lambda _conn, _uid: None,
        ),
    ).operations


def _open_nothing(_uid: str, _logins: Sequence[workload.RegistryLogin]) -> engine.Credentials:
    async def find(_reference: str) -> None:
        return None

    return find


def make_page(operations: Sequence[arm.Operation]) -> str:
    """Return the page about the application's operations."""
    azure = read_azure_operations()
    return render(make_rows(azure, operations), list_own(azure, operations))


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        page = make_page(list_operations(Path(folder)))
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
