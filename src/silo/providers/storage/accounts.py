"""The rules of accounts: what is refused, what is stored, what the data plane is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from silo import access, arm, core, storage

from .errors import FeatureNotSupported, InvalidSku, StorageAccountAlreadyTaken
from .properties import KeyName, NameQuestion, StorageAccount

B = TypeVar("B", bound=BaseModel)

KINDS = ("StorageV2", "Storage", "FileStorage")
"""Those that have a file service; the others hold blobs alone."""
_BLOB_KINDS = ("BlobStorage", "BlockBlobStorage")
_SKUS = {
    name.casefold(): name
    for name in (
        *(f"Standard_{end}" for end in ("LRS", "GRS", "RAGRS", "ZRS", "GZRS", "RAGZRS")),
        *("Premium_LRS", "Premium_ZRS"),
    )
}
_OURS = (
    "primaryEndpoints",
    "primaryLocation",
    "statusOfPrimary",
    "creationTime",
    "keyCreationTime",
    "provisioningState",
    "privateEndpointConnections",
)
"""What a client sends back after reading; these are ours to say."""


def check_account(change: arm.Change[StorageAccount]) -> StorageAccount | None:
    """Refuse what would be promised and not kept."""
    wanted = change.wanted
    _read_sku(change.document)
    _read_kind(change.document)
    if change.current and _read_kind(change.document) != change.current.document.get("kind"):
        raise FeatureNotSupported("Changing the kind of an account")
    own = change.document.get("identity") or {}
    rules = wanted.network_acls
    encryption = wanted.encryption
    refused = {
        "A hierarchical namespace": wanted.is_hns_enabled,
        "SFTP": wanted.is_sftp_enabled,
        "NFS": wanted.is_nfs_v3_enabled,
        "A local user": wanted.is_local_user_enabled and wanted.is_sftp_enabled,
        "A custom domain": wanted.custom_domain not in (None, {}, {"name": ""}),
        "Identity-based access over SMB": _is_directory_wanted(wanted),
        "Immutable storage": _is_enabled(wanted.immutable_storage_with_versioning),
        "A policy on the age of signatures": wanted.sas_policy,
        "A policy on the age of keys": wanted.key_policy,
        "A virtual network rule": rules is not None and rules.virtual_network_rules,
        "A customer-managed key": (
            encryption is not None and encryption.key_source.casefold() != "microsoft.storage"
        ),
        "A second layer of encryption": (
            encryption is not None and encryption.require_infrastructure_encryption
        ),
        "An identity of a storage account": str(own.get("type") or "None").casefold() != "none",
        "Plain HTTP": not wanted.supports_https_traffic_only,
    }
    for what, asked in refused.items():
        if asked:
            raise FeatureNotSupported(what)
    kept = {k: v for k, v in (wanted.model_extra or {}).items() if k not in _OURS}
    known = {name: getattr(wanted, name) for name in type(wanted).model_fields}
    return StorageAccount.model_construct(**known, **kept)


def _is_enabled(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value.get("enabled"))


def _is_directory_wanted(wanted: StorageAccount) -> bool:
    told = wanted.azure_files_identity_based_authentication
    return isinstance(told, Mapping) and told.get("directoryServiceOptions") not in {None, "None"}


def _read_sku(document: Mapping[str, Any]) -> str:
    sku = document.get("sku")
    name = sku.get("name") if isinstance(sku, Mapping) else None
    if not isinstance(name, str) or name.casefold() not in _SKUS:
        raise InvalidSku(f"sku.name must be one of {', '.join(_SKUS.values())}.")
    return _SKUS[name.casefold()]


def _read_kind(document: Mapping[str, Any]) -> str:
    kind = str(document.get("kind") or KINDS[0])
    known = {name.casefold(): name for name in (*KINDS, *_BLOB_KINDS)}.get(kind.casefold())
    if known is None:
        raise arm.InvalidParameter(f"kind must be one of {', '.join(KINDS)}.")
    if known in _BLOB_KINDS:
        raise FeatureNotSupported(f"An account of kind {known}, which has no file service,")
    return known


def render_account(resource: arm.Resource, call: arm.Call) -> dict[str, Any]:
    """Return what is computed; only the file service is served, so only it has an endpoint."""
    created = resource.created.at
    shown: dict[str, Any] = {
        "primaryEndpoints": {"file": call.urls.file_endpoint(resource.id.name)},
        "primaryLocation": resource.location,
        "statusOfPrimary": "available",
        "creationTime": created,
        "privateEndpointConnections": [],
        "networkAcls": resource.properties.get("networkAcls")
        or {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": []},
    }
    return shown


@dataclass(frozen=True, slots=True)
class Accounts:
    """What needs the database besides."""

    store: core.Store
    vault: core.Vault

    def write(
        self, conn: core.Connection, change: arm.Change[StorageAccount], resource: arm.Resource
    ) -> arm.Resource:
        """Tell the data plane, in the transaction that stores the wish."""
        name, wanted = resource.id.name, change.wanted
        known = storage.find_account(conn, name)
        if known is not None and known.resource_id.casefold() != resource.id.key:
            raise StorageAccountAlreadyTaken(name)
        rules = wanted.network_acls
        made = storage.put_account(
            conn,
            name,
            resource.id.text,
            keys_accepted=wanted.allow_shared_key_access is not False,
            network=access.NetworkRules(
                public=wanted.public_network_access == "Enabled",
                default_allow=rules is None or rules.default_action == "Allow",
                allowed=tuple(rule.value for rule in rules.ip_rules) if rules else (),
            ),
        )
        if not storage.list_keys(conn, self.vault, made):
            storage.set_keys(conn, self.vault, made, change.call.now)
        sku = _read_sku(change.document)
        return resource.with_document(
            sku={"name": sku, "tier": sku.partition("_")[0]}, kind=_read_kind(change.document)
        )

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Close the data plane at once; what it held is removed later."""
        storage.delete_account(conn, resource.id.name)

    async def list_keys(self, _call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Show both keys."""

        def read(conn: core.Connection) -> list[storage.Key]:
            account = storage.get_account(conn, resource.id.name)
            return storage.list_keys(conn, self.vault, account)

        return arm.Reply(200, _render_keys(self.store.read_now(read)))

    async def regenerate_key(self, call: arm.Call, resource: arm.Resource, body: Any) -> arm.Reply:
        """Replace one of the keys."""
        wanted = read_body(KeyName, body).key_name
        if wanted not in storage.KEY_NAMES:
            raise arm.InvalidParameter(f"keyName must be one of {', '.join(storage.KEY_NAMES)}.")

        def write(conn: core.Connection) -> list[storage.Key]:
            account = storage.get_account(conn, resource.id.name)
            call.record(conn, 200, key=wanted)
            return storage.set_keys(conn, self.vault, account, call.now, [wanted])

        return arm.Reply(200, _render_keys(await self.store.write(write)))

    async def check_name(self, _call: arm.Call, _match: arm.Match, body: Any) -> arm.Reply:
        """Tell whether a name is free; names are unique in the whole instance."""
        wanted = read_body(NameQuestion, body)
        if wanted.type.casefold() != "microsoft.storage/storageaccounts":
            raise arm.InvalidParameter("type must be Microsoft.Storage/storageAccounts.")
        if re.fullmatch(storage.ACCOUNT, wanted.name) is None:
            reason = "AccountNameInvalid"
            message = f"{wanted.name[:100]} is not a valid storage account name. Storage account "
            message += "name must be between 3 and 24 characters in length and use numbers and "
            message += "lower-case letters only."
        elif self.store.read_now(lambda conn: storage.find_account(conn, wanted.name)):
            reason = "AlreadyExists"
            message = f"The storage account named {wanted.name} is already taken."
        else:
            return arm.Reply(200, {"nameAvailable": True})
        return arm.Reply(200, {"nameAvailable": False, "reason": reason, "message": message})


def read_body(shape: type[B], body: Any) -> B:
    """Return a body in its shape.

    Raises:
        InvalidRequestContent: naming the place where it differs.

    """
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"])
        raise arm.InvalidRequestContent(f"Path '{place}': {problem['msg']}") from None


def _render_keys(keys: list[storage.Key]) -> dict[str, Any]:
    return {
        "keys": [
            {
                "keyName": key.name,
                "value": key.value,
                "permissions": "FULL",
                "creationTime": key.created,
            }
            for key in keys
        ]
    }
