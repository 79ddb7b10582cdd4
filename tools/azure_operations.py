"""Write down every operation Azure has in the namespaces that Silo serves.

Read from the code of Microsoft's own SDKs, which is generated from the REST specifications: each
operation there is a function that builds one request. Run this where the SDKs are installed:

    uv run --no-project --prerelease allow $(sed 's/^/--with /' tools/azure-sdks.in) \
        python -m tools.azure_operations > tools/azure-operations.txt
"""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

NAMESPACES = {
    "Microsoft.Authorization": "",
    "Microsoft.ContainerInstance": "",
    "Microsoft.ContainerRegistry": "",
    "Microsoft.ContainerService": "managedClusters|locations|operations",
    # The activity log and metrics; the rest watches machines and applications.
    "Microsoft.Insights": "eventtypes|eventcategories|metrics|metricDefinitions|metricNamespaces",
    "Microsoft.ManagedIdentity": "",
    "Microsoft.Management": "",
    # What container groups and their networks touch, of a namespace that runs whole backbones.
    "Microsoft.Network": (
        "applicationSecurityGroups|availableDelegations|checkDnsNameAvailability|loadBalancers"
        "|natGateways|networkInterfaces|networkProfiles|networkSecurityGroups|operations"
        "|privateEndpoints|publicIPAddresses|publicIPPrefixes|routeTables|serviceEndpointPolicies"
        "|serviceTags|usages|virtualNetworks"
    ),
    "Microsoft.OperationalInsights": "",
    "Microsoft.Resources": "",
    "Microsoft.Storage": "",
}
"""Every namespace that Silo serves; of some only the types named."""
_OWN_IDS = {"roleAssignmentId", "denyAssignmentId", "roleId"}
"""Placeholders that stand for a whole id in Microsoft.Authorization."""


def list_operations(folder: Path) -> list[tuple[str, str, str]]:
    """Return namespace, method and path template of every operation under ``azure/mgmt``."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for path in sorted(folder.rglob("*.py")):
        if "aio" in path.parts:
            continue
        for method, template in _read_module(path):
            namespace = _find_namespace(template)
            if _is_served(namespace, template):
                shape = re.sub(r"\{\w+\}", "{}", template).casefold().rstrip("/")
                if template.strip("/").startswith("{") and template.count("{") == 1:
                    shape = template  # a whole id: what it is the id of tells it apart
                found.setdefault((method, shape), (namespace, method, template.rstrip("/")))
    return sorted(found.values(), key=lambda row: (row[0], row[2].casefold(), row[1]))


def _is_served(namespace: str, template: str) -> bool:
    types = NAMESPACES.get(namespace)
    if not types:
        return types is not None
    place = rf"/{re.escape(namespace)}/(locations/{{\w+}}/)?({types})(/|$)"
    return re.search(place, template, re.IGNORECASE) is not None


def _read_module(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.parse(path.read_text(encoding="utf-8-sig")).body:
        if isinstance(node, ast.FunctionDef) and re.fullmatch(r"build_\w+_request", node.name):
            template = next(_iterate_templates(node), "")
            method = next(_iterate_methods(node), "")
            if template and method:
                yield method, template


def _iterate_templates(function: ast.FunctionDef) -> Iterator[str]:
    """Yield what is assigned to ``_url``: a text, or a text given to a formatting call."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_url":
            for part in ast.walk(node.value):
                if isinstance(part, ast.Constant) and str(part.value).startswith("/"):
                    yield str(part.value)


def _iterate_methods(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.keyword) and node.arg == "method":
            yield str(ast.literal_eval(node.value))


def _find_namespace(template: str) -> str:
    names: list[str] = re.findall(r"/providers/([Mm]icrosoft\.\w+)", template)
    if names:
        return names[-1]
    placeholder = template.strip("/{}")
    return "Microsoft.Authorization" if placeholder in _OWN_IDS else "Microsoft.Resources"


def main() -> None:
    """Print the list, one operation a line."""
    package = importlib.util.find_spec("azure.mgmt.core")
    if package is None or package.origin is None:
        raise SystemExit("the SDKs named in tools/azure-sdks.in are not installed")
    for row in list_operations(Path(package.origin).parents[1]):
        sys.stdout.write(" ".join(row) + "\n")


if __name__ == "__main__":
    main()
