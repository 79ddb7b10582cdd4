"""Microsoft.Insights: the activity log, and the metrics of container groups."""

from silo import access, arm, core

from .activity_log import ActivityLog
from .exposition import Exposition as Exposition
from .metric_samples import Sample as Sample
from .metric_samples import create_tables as create_tables
from .metrics import Metrics
from .sampler import Meter as Meter
from .sampler import Reading as Reading
from .sampler import Sampler as Sampler


def provider(
    resources: arm.Resources, authorizer: access.Authorizer, monitor: core.Store, days: int
) -> arm.Provider:
    """Return the declaration; ``monitor`` is the database of the metrics of so many days."""
    log = ActivityLog(resources, authorizer)
    metrics = Metrics(resources.store, resources, monitor, days)
    operations = (*log.list_operations(), *metrics.list_operations())
    return arm.Provider("Microsoft.Insights", operations=operations)
