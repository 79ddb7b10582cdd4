"""What tools read in passing and this instance truthfully has none of: policies and previews."""

from dataclasses import dataclass
from typing import Any

from silo import arm

_COVERAGE = "partly: there are none, and none can be made"
_POLICIES = (
    "policyAssignments",
    "policyDefinitions",
    "policySetDefinitions",
    "policyExemptions",
)


@dataclass(frozen=True, slots=True)
class EmptyLists:
    """One handler for all."""

    resources: arm.Resources

    def list_policy_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes of Microsoft.Authorization."""
        return tuple(
            self._declare(f"Microsoft.Authorization/{kind}", "{scope}") for kind in _POLICIES
        )

    def list_feature_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes of Microsoft.Features."""
        subscription = "/subscriptions/{subscription}"
        by_namespace = (
            f"{subscription}/providers/Microsoft.Features/providers/{{namespace}}/features"
        )
        return (
            self._declare("Microsoft.Features/features", subscription),
            arm.Operation(
                "Microsoft.Features/providers/features/read",
                "GET",
                by_namespace,
                self.list,
                coverage=_COVERAGE,
            ),
        )

    def _declare(self, name: str, scope: str) -> arm.Operation:
        path = f"{scope}/providers/{name}"
        return arm.Operation(f"{name}/read", "GET", path, self.list, coverage=_COVERAGE)

    async def list(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List nothing, at a scope that exists."""
        subscription = match.id.subscription
        scope = arm.parse_resource_id(match.scope)
        if subscription and scope.namespace == "Microsoft.Features":
            scope = arm.parse_resource_id(f"/subscriptions/{subscription}")
        self.resources.store.read_now(lambda conn: arm.check_scope(conn, scope))
        return arm.Reply(200, {"value": []})
