"""Microsoft.Storage: accounts and shares as resources. Their content is the storage room's."""

from silo import arm, core, storage

from .accounts import Accounts, check_account, render_account
from .properties import StorageAccount
from .shares import Shares

_NAMESPACE = "Microsoft.Storage"
_VERSIONS = (
    "2025-08-01",
    "2025-06-01",
    "2025-01-01",
    "2024-01-01",
    "2023-05-01",
    "2023-01-01",
    "2022-09-01",
    "2021-09-01",
    "2019-06-01",
)


def provider(resources: arm.Resources, vault: core.Vault, tree: storage.Tree) -> arm.Provider:
    """Return the declaration."""
    handlers = Accounts(resources.store, vault)
    accounts: arm.ResourceType[StorageAccount] = arm.ResourceType(
        name="storageAccounts",
        properties=StorageAccount,
        api_versions=_VERSIONS,
        check=check_account,
        on_write=handlers.write,
        on_delete=handlers.delete,
        render=render_account,
        created_status=200,
        name_pattern=storage.ACCOUNT,
        actions=(
            arm.Action("listKeys", handlers.list_keys),
            arm.Action("regenerateKey", handlers.regenerate_key),
        ),
        coverage="partly: file shares alone, in one copy on this machine whatever the sku",
    )
    check_name = arm.Operation(
        f"{_NAMESPACE}/checknameavailability/read",
        "POST",
        f"/subscriptions/{{subscription}}/providers/{_NAMESPACE}/checkNameAvailability",
        handlers.check_name,
    )
    return arm.Provider(
        _NAMESPACE, (accounts,), (check_name, *Shares(resources, tree).list_operations())
    )
