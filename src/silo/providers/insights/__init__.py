"""Microsoft.Insights: the activity log, read from the audit records of the management plane."""

from silo import access, arm

from .activity_log import ActivityLog


def provider(resources: arm.Resources, authorizer: access.Authorizer) -> arm.Provider:
    """Return the declaration."""
    log = ActivityLog(resources, authorizer)
    return arm.Provider("Microsoft.Insights", operations=log.list_operations())
