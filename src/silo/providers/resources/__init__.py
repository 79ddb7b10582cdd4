"""Microsoft.Resources and its grammar: subscriptions, groups, tags, locks, management groups.

No type of another provider is known here; what is served is read from the declarations.
"""

from silo import access, arm

from .declared import GetCatalogue
from .deployments import Deployments
from .empty_lists import EmptyLists
from .locks import Locks
from .management_groups import ManagementGroups
from .management_members import ManagementMembers
from .provider_lists import ProviderLists
from .reach import Reach
from .resource_groups import make_type
from .resource_lists import ResourceLists
from .subscriptions import Subscriptions
from .subscriptions import ensure_subscription as ensure_subscription
from .tags import Tags


def providers(
    resources: arm.Resources, authorizer: access.Authorizer, get_catalogue: GetCatalogue
) -> tuple[arm.Provider, ...]:
    """Return the declarations; ``get_catalogue`` gives all there are, these included."""
    reach = Reach(authorizer)
    subscriptions = Subscriptions(resources, reach)
    groups, empty = ManagementGroups(resources), EmptyLists(resources)
    return (
        arm.Provider(
            "Microsoft.Resources",
            (make_type(),),
            (
                *subscriptions.list_operations(),
                *ProviderLists(resources, reach, get_catalogue).list_operations(),
                *ResourceLists(resources, reach, get_catalogue).list_operations(),
                *Tags(resources, get_catalogue).list_operations(),
                *Deployments(resources).list_operations(),
            ),
        ),
        arm.Provider(
            "Microsoft.Authorization",
            operations=(*Locks(resources).list_operations(), *empty.list_policy_operations()),
        ),
        arm.Provider(
            "Microsoft.Management",
            operations=(
                *groups.list_operations(),
                *ManagementMembers(resources, groups, reach).list_operations(),
            ),
        ),
        arm.Provider("Microsoft.Features", operations=empty.list_feature_operations()),
        arm.Provider("Microsoft.Subscription", operations=subscriptions.list_refusals()),
    )
