"""The codes that only Microsoft.OperationalInsights answers with."""

from silo import arm


class WorkspaceKeyRefused(arm.ArmError):
    """A group names a workspace that does not exist, or with a key that is not the workspace's.

    One answer for both, so that nobody learns which workspaces exist by guessing.
    """

    code = "InvalidLogAnalyticsWorkspace"

    def __init__(self, workspace_id: str) -> None:
        super().__init__(
            f"The Log Analytics workspace '{workspace_id[:100]}' was not found or its key is "
            "invalid."
        )
