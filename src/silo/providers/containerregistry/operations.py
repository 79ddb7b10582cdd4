"""The rules of registries: what is refused, what is stored, what the data plane is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from silo import access, arm, core, registry

from .errors import (
    AlreadyInUse,
    AnonymousPullNotAllowed,
    CredentialOperationRefused,
    InvalidSku,
    NotSupported,
)
from .properties import CredentialName, NameQuestion, Registry

B = TypeVar("B", bound=BaseModel)

NAME = r"[a-zA-Z0-9]{5,50}"
_GIB = 1 << 30
SKUS = {"basic": ("Basic", 10), "standard": ("Standard", 100), "premium": ("Premium", 500)}
"""Tier by name in lower case, and the GiB that Azure includes."""
_OURS = ("loginServer", "creationDate", "provisioningState", "dataEndpointHostNames", "status")
"""What a client sends back after reading; these are ours to say."""


def check_registry(change: arm.Change[Registry]) -> Registry | None:
    """Refuse what would be promised and not kept."""
    wanted = change.wanted
    sku = _read_sku(change.document)
    if wanted.anonymous_pull_enabled:
        raise AnonymousPullNotAllowed
    extra = wanted.model_extra or {}
    refused = {
        "A dedicated data endpoint": wanted.data_endpoint_enabled,
        "Zone redundancy": wanted.zone_redundancy == "Enabled",
        "Encryption with a customer-managed key": wanted.encryption.status == "enabled",
        "The role assignment mode AbacRepositoryPermissions": (
            wanted.role_assignment_mode.casefold() == "abacrepositorypermissions"
        ),
        "A login server name with a hash": (
            wanted.auto_generated_domain_name_label_scope.casefold() != "unsecure"
        ),
        "Metadata search": str(extra.get("metadataSearch")).casefold() == "enabled",
        "An identity of a registry": _has_identity(change.document),
        "Quarantine": wanted.policies.quarantine_policy.status == "enabled",
        "Content trust": wanted.policies.trust_policy.status == "enabled",
        "The retention policy": wanted.policies.retention_policy.status == "enabled",
        "The soft delete policy": wanted.policies.soft_delete_policy.status == "enabled",
        "Disabling export": wanted.policies.export_policy.status == "disabled",
    }
    for what, asked in refused.items():
        if asked:
            raise NotSupported(what)
    rules = wanted.network_rule_set
    if rules is not None and (rules.model_extra or {}).get("virtualNetworkRules"):
        raise NotSupported("A virtual network rule")
    if sku != "Premium" and (
        wanted.public_network_access == "Disabled"
        or (rules is not None and (rules.ip_rules or rules.default_action == "Deny"))
    ):
        raise InvalidSku(f"Network rules need the Premium tier; this registry is {sku}.")
    kept = {name: value for name, value in extra.items() if name not in _OURS}
    known = {name: getattr(wanted, name) for name in type(wanted).model_fields}
    return Registry.model_construct(**known, **kept)


def _has_identity(document: Mapping[str, Any]) -> bool:
    own = document.get("identity") or {}
    return str(own.get("type") or "None").casefold() != "none"


def _read_sku(document: Mapping[str, Any]) -> str:
    sku = document.get("sku")
    name = sku.get("name") if isinstance(sku, Mapping) else None
    if not isinstance(name, str) or name.casefold() not in SKUS:
        raise InvalidSku("sku.name must be Basic, Standard or Premium.")
    return SKUS[name.casefold()][0]


def render_registry(resource: arm.Resource, call: arm.Call) -> dict[str, Any]:
    """Return what is computed: the login server of the family of names that was asked."""
    policies = dict(resource.properties.get("policies") or {})
    for name in ("retentionPolicy", "softDeletePolicy"):
        policies[name] = {**policies.get(name, {}), "lastUpdatedTime": resource.created.at}
    shown: dict[str, Any] = {
        "loginServer": call.urls.login_server(resource.id.name),
        "creationDate": resource.created.at,
        "dataEndpointHostNames": [],
        "privateEndpointConnections": [],
        "policies": policies,
    }
    if resource.document["sku"]["name"] == "Premium":
        rules = resource.properties.get("networkRuleSet")
        shown["networkRuleSet"] = rules or {"defaultAction": "Allow", "ipRules": []}
    return shown


@dataclass(frozen=True, slots=True)
class Registries:
    """What needs the database besides."""

    store: core.Store
    vault: core.Vault

    def write(
        self, conn: core.Connection, change: arm.Change[Registry], resource: arm.Resource
    ) -> arm.Resource:
        """Tell the data plane, in the transaction that stores the wish."""
        name, wanted = resource.id.name, change.wanted
        known = registry.find_registry(conn, name)
        if known is not None and known.resource_id.casefold() != resource.id.key:
            raise AlreadyInUse(change.call.urls.login_server(name))
        policy = wanted.policies.azure_ad_authentication_as_arm_policy
        made = registry.put_registry(
            conn,
            name,
            resource.id.text,
            admin_enabled=wanted.admin_user_enabled,
            arm_tokens_accepted=policy.status == "enabled",
            network=_read_network(wanted),
        )
        if made.admin_enabled and not registry.list_admin_passwords(conn, self.vault, made):
            registry.set_admin_passwords(conn, self.vault, made)
        tier = _read_sku(change.document)
        return resource.with_document(sku={"name": tier, "tier": tier})

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Close the data plane at once; its content is cleaned up later."""
        registry.delete_registry(conn, resource.id.name)

    async def list_credentials(
        self, _call: arm.Call, resource: arm.Resource, _body: Any
    ) -> arm.Reply:
        """Show the admin user's two passwords."""

        def read(conn: core.Connection) -> list[registry.AdminPassword]:
            return registry.list_admin_passwords(conn, self.vault, _get_open(conn, resource))

        return arm.Reply(200, _render_credentials(resource, self.store.read_now(read)))

    async def regenerate_credential(
        self, call: arm.Call, resource: arm.Resource, body: Any
    ) -> arm.Reply:
        """Replace one of the admin user's passwords."""
        wanted = _read_body(CredentialName, body)

        def write(conn: core.Connection) -> list[registry.AdminPassword]:
            known = _get_open(conn, resource)
            call.record(conn, 200, password=wanted.name)
            return registry.set_admin_passwords(conn, self.vault, known, [wanted.name])

        return arm.Reply(200, _render_credentials(resource, await self.store.write(write)))

    async def list_usages(self, _call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Show how much the registry holds: every blob once, and every manifest."""
        used = self.store.read_now(lambda conn: registry.get_usage(conn, resource.id.name))
        included = SKUS[resource.document["sku"]["name"].casefold()][1] * _GIB
        size = {"name": "Size", "limit": included, "currentValue": used, "unit": "Bytes"}
        return arm.Reply(200, {"value": [size]})

    async def check_name(self, call: arm.Call, _match: arm.Match, body: Any) -> arm.Reply:
        """Tell whether a name is free; names are unique in the whole instance."""
        wanted = _read_body(NameQuestion, body)
        if wanted.type.casefold() != "microsoft.containerregistry/registries":
            raise arm.InvalidParameter("type must be Microsoft.ContainerRegistry/registries.")
        if re.fullmatch(NAME, wanted.name) is None:
            reason, message = "Invalid", "A name is 5 to 50 letters and digits."
        elif self.store.read_now(lambda conn: registry.find_registry(conn, wanted.name)):
            reason, message = "AlreadyExists", f"The registry {wanted.name} is already in use."
        else:
            server = call.urls.login_server(wanted.name)
            return arm.Reply(200, {"nameAvailable": True, "availableLoginServerName": server})
        return arm.Reply(200, {"nameAvailable": False, "reason": reason, "message": message})


def _get_open(conn: core.Connection, resource: arm.Resource) -> registry.Registry:
    known = registry.get_registry(conn, resource.id.name)
    if not known.admin_enabled:
        raise CredentialOperationRefused(resource.id.text)
    return known


def _read_network(wanted: Registry) -> access.NetworkRules:
    rules = wanted.network_rule_set
    return access.NetworkRules(
        public=wanted.public_network_access == "Enabled",
        default_allow=rules is None or rules.default_action == "Allow",
        allowed=tuple(rule.value for rule in rules.ip_rules) if rules else (),
    )


def _render_credentials(
    resource: arm.Resource, passwords: list[registry.AdminPassword]
) -> dict[str, Any]:
    return {
        "username": resource.id.name,
        "passwords": [{"name": item.name, "value": item.value} for item in passwords],
    }


def _read_body(shape: type[B], body: Any) -> B:
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"])
        raise arm.InvalidRequestContent(f"Path '{place}': {problem['msg']}") from None
