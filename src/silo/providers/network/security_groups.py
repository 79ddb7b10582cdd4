"""Network security groups and their rules: in force on running groups as soon as they settle."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core

from .errors import InUseSecurityGroupCannotBeDeleted
from .properties import SecurityGroup, SecurityRule
from .security_rules import DEFAULT_RULES, check_conflicts, check_rule
from .subnets import Subnets
from .topology import (
    Topology,
    get_parent,
    render_child,
    render_default,
    render_guid,
    settle,
)

_OURS = ("securityRules", "defaultSecurityRules", "subnets", "networkInterfaces", "resourceGuid")


def check_group(change: arm.Change[SecurityGroup]) -> SecurityGroup | None:
    """Refuse rules that cannot be put in force as they are written."""
    rules = change.wanted.security_rules or ()
    for rule in rules:
        check_rule(rule.name, rule.properties)
    check_conflicts((rule.name, rule.properties) for rule in rules)
    names = [rule.name.casefold() for rule in rules]
    if len(set(names)) != len(names):
        raise arm.InvalidRequestContent("Two security rules of the request have the same name")
    return None


def check_one(change: arm.Change[SecurityRule]) -> SecurityRule | None:
    """Refuse a rule that cannot be put in force as it is written."""
    check_rule(change.id.name, change.wanted)
    return None


@dataclass(frozen=True, slots=True)
class SecurityGroups:
    """What needs the table and the engine besides."""

    topology: Topology
    subnets: Subnets

    def write(
        self, conn: core.Connection, change: arm.Change[SecurityGroup], resource: arm.Resource
    ) -> arm.Resource:
        """Store the rules that came along as what they are; those left out go."""
        if change.wanted.security_rules is not None:
            self._replace_rules(conn, change.wanted, resource)
        kept = {key: value for key, value in resource.properties.items() if key not in _OURS}
        return self._settle(conn, resource.id, resource.with_document(properties=kept))

    def write_rule(
        self, conn: core.Connection, change: arm.Change[SecurityRule], resource: arm.Resource
    ) -> arm.Resource:
        """Hold a rule against its neighbours."""
        group = get_parent(resource.id)
        others = [
            (each.id.name, SecurityRule.model_validate(each.properties))
            for each in self.topology.list_rules(conn, group)
            if each.id != resource.id and not each.deleting
        ]
        check_conflicts([*others, (resource.id.name, change.wanted)])
        return self._settle(conn, group, resource)

    def view(self, conn: core.Connection, resource: arm.Resource) -> dict[str, Any]:
        """Show the rules, Azure's own, and the subnets that refer to the group."""
        shown: dict[str, Any] = {
            "securityRules": [
                render_child(each) for each in self.topology.list_rules(conn, resource.id)
            ],
            "defaultSecurityRules": [
                render_default(resource, name, rule) for name, rule in DEFAULT_RULES
            ],
            "resourceGuid": render_guid(resource),
        }
        if guarded := self.topology.list_guarded(conn, resource.id):
            shown["subnets"] = [{"id": each.id.text} for each in guarded]
        return shown

    async def reconcile(self, resource: arm.Resource, _wanted: SecurityGroup) -> None:
        """Put the rules in force wherever the group is referred to."""
        await self._apply(resource.id)

    async def reconcile_rule(self, resource: arm.Resource, _wanted: SecurityRule) -> None:
        """Put the rule in force wherever its group is referred to."""
        await self._apply(get_parent(resource.id))

    async def remove_rule(self, resource: arm.Resource) -> None:
        """Put the other rules in force; this one is marked as leaving."""
        await self._apply(get_parent(resource.id))

    def check_delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Refuse while subnets refer to it."""
        _check_unused(resource, self.topology.list_guarded(conn, resource.id))

    async def remove(self, resource: arm.Resource) -> None:
        """Wait for subnets that leave at the same time; refuse when others stay."""
        store = self.topology.resources.store
        guarded = await store.read(lambda conn: self.topology.list_guarded(conn, resource.id))
        _check_unused(resource, [each for each in guarded if not each.deleting])
        if guarded:
            raise arm.NotYet("the subnets that refer to it must go first")

    async def _apply(self, group: arm.ResourceId) -> None:
        store = self.topology.resources.store
        guarded = await store.read(lambda conn: self.topology.list_guarded(conn, group))
        await self.subnets.apply_all(guarded)

    def _settle(
        self, conn: core.Connection, group: arm.ResourceId, resource: arm.Resource
    ) -> arm.Resource:
        used = any(
            self.topology.is_used(conn, get_parent(subnet.id))
            for subnet in self.topology.list_guarded(conn, group)
        )
        return resource if used else settle(resource)

    def _replace_rules(
        self, conn: core.Connection, wanted: SecurityGroup, resource: arm.Resource
    ) -> None:
        table = self.topology.resources
        present = {each.id.key: each for each in self.topology.list_rules(conn, resource.id)}
        for rule in wanted.security_rules or ():
            child = resource.id.child("securityRules", rule.name)
            text = rule.properties.model_dump_json(by_alias=True, exclude_none=True)
            document = {"properties": json.loads(text)}
            document["properties"].pop("provisioningState", None)
            current = present.pop(child.key, None)
            if current is None:
                made = table.make(child, document, resource.changed)
            else:
                made = replace(
                    current,
                    document=document,
                    generation=current.generation + 1,
                    changed=resource.changed,
                    deleting=False,
                )
            table.put(conn, settle(made))
        for gone in present.values():
            table.delete(conn, gone.id)


def _check_unused(resource: arm.Resource, guarded: Sequence[arm.Resource]) -> None:
    if guarded:
        users = [each.id.text for each in guarded]
        raise InUseSecurityGroupCannotBeDeleted(resource.id.name, users)
