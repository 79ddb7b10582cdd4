"""What is asked of networks besides their resources: links, usage, default rules, delegations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from silo import arm, core, engine

from . import prefixes
from .errors import ServiceAssociationLinkInUse
from .properties import Subnet
from .security_rules import DEFAULT_RULES
from .subnets import CONTAINER_GROUPS, render_links
from .topology import (
    NAMESPACE,
    Topology,
    describe_users,
    get_parent,
    render_default,
)

_SUBSCRIPTION = f"/subscriptions/{{subscription}}/providers/{NAMESPACE}"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{NAMESPACE}"
_SUBNET = f"{_GROUP}/virtualNetworks/{{network}}/subnets/{{subnet}}"
_LINK = "Microsoft.ContainerInstance/serviceAssociationLinks"
Read = Callable[[core.Connection, arm.Resource], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Queries:
    """The operations and their answers."""

    topology: Topology

    def list_operations(self) -> Iterator[arm.Operation]:
        """Yield each."""
        lists: tuple[tuple[str, str, Read], ...] = (
            (f"{_GROUP}/networkSecurityGroups/{{name}}", "defaultSecurityRules", _list_defaults),
            (f"{_GROUP}/virtualNetworks/{{name}}", "usages", self._list_usages),
            (_SUBNET, "serviceAssociationLinks", self._list_links),
            (_SUBNET, "resourceNavigationLinks", lambda _conn, _subnet: []),
        )
        for parent, name, read in lists:
            yield self._declare(parent, name, read)
        rule = f"{_GROUP}/networkSecurityGroups/{{name}}/defaultSecurityRules"
        name = f"{NAMESPACE}/networkSecurityGroups/defaultSecurityRules/read"
        yield arm.Operation(name, "GET", f"{rule}/{{rule}}", self.get_default)
        name = f"{NAMESPACE}/locations/availableDelegations/read"
        for scope in (_SUBSCRIPTION, _GROUP):
            path = f"{scope}/locations/{{location}}/availableDelegations"
            yield arm.Operation(name, "GET", path, self.list_delegations)
        yield arm.Operation(
            f"{_LINK}/delete",
            "DELETE",
            f"{_SUBNET}/providers/{_LINK}/default",
            self.delete_link,
            statuses=(200, 204),
        )

    async def get_default(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Show one of Azure's own rules."""
        found = self._read(get_parent(match.id), _list_defaults)
        for each in found:
            if each["name"].casefold() == match["rule"].casefold():
                return arm.Reply(200, each)
        raise arm.ResourceNotFound(f"The resource '{match.id}' was not found.")

    async def list_delegations(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List whom a subnet can be left to here: container groups."""
        scope = get_parent(match.id)
        self.topology.resources.store.read_now(lambda conn: arm.check_scope(conn, scope))
        shown = {
            "name": CONTAINER_GROUPS,
            "id": f"{call.path.rpartition('/')[0]}/availableDelegations/{CONTAINER_GROUPS}",
            "type": f"{NAMESPACE}/availableDelegations",
            "serviceName": CONTAINER_GROUPS,
            "actions": [f"{NAMESPACE}/virtualNetworks/subnets/action"],
        }
        return arm.Reply(200, {"value": [shown]})

    async def delete_link(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Free a subnet of what groups that are no more left in it; those that are there stay."""
        resources = self.topology.resources
        parts = (match["subscription"], match["group"], match["network"], match["subnet"])
        path = _SUBNET
        for name, part in zip(("subscription", "group", "network", "subnet"), parts, strict=True):
            path = path.replace(f"{{{name}}}", part)

        def write(conn: core.Connection) -> int:
            subnet = resources.get(conn, arm.parse_resource_id(path))
            arm.check_locks(conn, subnet.id, deleting=True)
            users = self.topology.list_users(conn, subnet)
            there = [user for user in users if isinstance(user, arm.Resource)]
            if there:
                raise ServiceAssociationLinkInUse(subnet.id.text, describe_users(there))
            for owner in users:
                engine.release_addresses(conn, str(owner))
            status = 200 if users else 204
            call.record(conn, status)
            return status

        return arm.Reply(await resources.store.write(write))

    def _declare(self, parent: str, name: str, read: Read) -> arm.Operation:
        async def answer(_call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
            return arm.Reply(200, {"value": self._read(match.id, read)})

        steps = parent.rpartition(f"{NAMESPACE}/")[2].split("/")[::2]
        return arm.Operation(
            f"{NAMESPACE}/{'/'.join(steps)}/{name}/read", "GET", f"{parent}/{name}", answer
        )

    def _read(self, id_: arm.ResourceId, read: Read) -> list[dict[str, Any]]:
        resources = self.topology.resources
        return resources.store.read_now(lambda conn: read(conn, resources.get(conn, id_)))

    def _list_links(self, conn: core.Connection, subnet: arm.Resource) -> list[dict[str, Any]]:
        return render_links(subnet) if self.topology.list_users(conn, subnet) else []

    def _list_usages(self, conn: core.Connection, vnet: arm.Resource) -> list[dict[str, Any]]:
        found = []
        for subnet in self.topology.list_subnets(conn, vnet.id):
            network = Subnet.model_validate(subnet.properties).ipv4
            found.append(
                {
                    "id": subnet.id.text,
                    "name": {"localizedValue": "Subnet size and usage", "value": "SubnetSpace"},
                    "currentValue": len(engine.list_leases(conn, subnet.uid)),
                    "limit": network.num_addresses - prefixes.RESERVED - 1,
                    "unit": "Count",
                }
            )
        return found


def _list_defaults(_conn: core.Connection, group: arm.Resource) -> list[dict[str, Any]]:
    return [render_default(group, name, rule) for name, rule in DEFAULT_RULES]
