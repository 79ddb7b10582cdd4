"""Microsoft.OperationalInsights: Log Analytics workspaces, what is sent to them, and queries."""

from silo import arm, core

from .collector import Collector as Collector
from .collector import LogReader as LogReader
from .collector import Subject as Subject
from .door import LogsDoor as LogsDoor
from .door import query_routes as query_routes
from .properties import Workspace
from .records import Line as Line
from .records import Occurrence as Occurrence
from .records import Source as Source
from .records import create_tables as create_tables
from .searches import Searches as Searches
from .workspaces import NAME, check_workspace, render_workspace
from .workspaces import Workspaces as Workspaces

_NAMESPACE = "Microsoft.OperationalInsights"
_VERSIONS = (
    "2025-07-01",
    "2025-02-01",
    "2023-09-01",
    "2022-10-01",
    "2021-12-01-preview",
    "2021-06-01",
    "2020-10-01",
    "2020-08-01",
    "2020-03-01-preview",
    "2015-11-01-preview",
)


def provider(resources: arm.Resources, vault: core.Vault) -> arm.Provider:
    """Return the declaration."""
    handlers = Workspaces(resources.store, vault)
    workspaces: arm.ResourceType[Workspace] = arm.ResourceType(
        name="workspaces",
        properties=Workspace,
        api_versions=_VERSIONS,
        check=check_workspace,
        on_write=handlers.write,
        on_delete=handlers.delete,
        render=render_workspace,
        name_pattern=NAME,
        has_etag=True,
        actions=(
            arm.Action("sharedKeys", handlers.list_keys),
            arm.Action("regenerateSharedKey", handlers.regenerate_keys),
        ),
        coverage="partly: no quota, replication, soft delete, private links, tables of one's own",
    )
    return arm.Provider(_NAMESPACE, (workspaces,))
