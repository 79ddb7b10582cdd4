"""Built-in roles: storage accounts, blobs and files."""

from .role_data import define_role

_FILES = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/"
_FILE_SERVICE = "Microsoft.Storage/storageAccounts/fileServices/"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers/"
_DELEGATION_KEY = (
    " Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action "
)

STORAGE_ROLES = (
    define_role(
        "17d1049b-9a84-46fb-8f53-869881c3d3ab",
        "Storage Account Contributor",
        "Lets you manage storage accounts, including accessing storage account keys which provide "
        "full access to storage account data.",
        actions="""
            Microsoft.Authorization/*/read
            Microsoft.Insights/alertRules/*
            Microsoft.Insights/diagnosticSettings/*
            Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action
            Microsoft.ResourceHealth/availabilityStatuses/read
            Microsoft.Resources/deployments/*
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.Storage/storageAccounts/*
            Microsoft.Support/*
        """,
    ),
    define_role(
        "81a9662b-bebf-436f-a333-f67b29880f12",
        "Storage Account Key Operator Service Role",
        "Storage Account Key Operators are allowed to list and regenerate keys on Storage Accounts",
        actions="Microsoft.Storage/storageAccounts/{listkeys,regeneratekey}/action",
    ),
    define_role(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Blob Data Owner",
        "Allows for full access to Azure Storage blob containers and data, including assigning "
        "POSIX access control.",
        actions=_CONTAINERS + "*" + _DELEGATION_KEY,
        data_actions=_CONTAINERS + "blobs/*",
    ),
    define_role(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Allows for read, write and delete access to Azure Storage blob containers and data",
        actions=_CONTAINERS + "{delete,read,write}" + _DELEGATION_KEY,
        data_actions=_CONTAINERS + "blobs/{delete,read,write,move/action,add/action}",
    ),
    define_role(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Allows for read access to Azure Storage blob containers and data",
        actions=_CONTAINERS + "read" + _DELEGATION_KEY,
        data_actions=_CONTAINERS + "blobs/read",
    ),
    define_role(
        "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
        "Storage Blob Delegator",
        "Allows for generation of a user delegation key which can be used to sign SAS tokens",
        actions=_DELEGATION_KEY,
    ),
    define_role(
        "69566ab7-960f-475b-8e7c-b3118f30c6bd",
        "Storage File Data Privileged Contributor",
        "Customer has read, write, delete and modify NTFS permission access on Azure Storage file "
        "shares.",
        data_actions=(
            f"{_FILES}{{read,write,delete,modifypermissions/action}} "
            f"{_FILE_SERVICE}{{readFileBackupSemantics,writeFileBackupSemantics}}/action"
        ),
    ),
    define_role(
        "b8eda974-7b85-4f76-af95-65846b26df6d",
        "Storage File Data Privileged Reader",
        "Customer has read access on Azure Storage file shares.",
        data_actions=f"{_FILES}read {_FILE_SERVICE}readFileBackupSemantics/action",
    ),
    define_role(
        "bbf004e3-0e4b-4f86-ae4f-1f8fb47b357b",
        "Storage File Data SMB Admin",
        "Allows for admin access equivalent to storage account key for end users over SMB.",
        data_actions=(
            f"{_FILES}{{read,write,delete,modifypermissions/action}} "
            f"{_FILE_SERVICE}{{readFileBackupSemantics,writeFileBackupSemantics}}/action "
            f"{_FILE_SERVICE}takeOwnership/action"
        ),
    ),
    define_role(
        "a235d3ee-5935-4cfb-8cc5-a3303ad5995e",
        "Storage File Data SMB MI Admin",
        "Allows for admin-level access for managed identities on files/directories in Azure file "
        "shares.",
        data_actions=(
            f"{_FILES}{{read,write,delete,modifypermissions/action}} "
            f"{_FILE_SERVICE}{{readFileBackupSemantics,writeFileBackupSemantics}}/action "
            f"{_FILE_SERVICE}{{takeOwnership,runAsBuiltInFileAdministrator}}/action"
        ),
    ),
    define_role(
        "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb",
        "Storage File Data SMB Share Contributor",
        "Allows for read, write, and delete access in Azure Storage file shares over SMB",
        data_actions=_FILES + "{read,write,delete}",
    ),
    define_role(
        "a7264617-510b-434b-a828-9731dc254ea7",
        "Storage File Data SMB Share Elevated Contributor",
        "Allows for read, write, delete and modify NTFS permission access in Azure Storage file "
        "shares over SMB",
        data_actions=_FILES + "{read,write,delete,modifypermissions/action}",
    ),
    define_role(
        "aba4ae5f-2193-4029-9191-0cb91df5e314",
        "Storage File Data SMB Share Reader",
        "Allows for read access to Azure File Share over SMB",
        data_actions=_FILES + "read",
    ),
    define_role(
        "5d9bac3f-34b2-432f-bde5-78aa8e73ce6b",
        "Storage File Data SMB Take Ownership",
        "Allows end user to assume ownership of a file/directory",
        data_actions=_FILE_SERVICE + "takeOwnership/action",
    ),
    define_role(
        "765a04e0-5de8-4bb2-9bf6-b2a30bc03e91",
        "Storage File Delegator",
        "Allows for generation of a user delegation key, which can then be used to create a shared "
        "access signature for a file or Azure file share that is signed with Entra ID credentials.",
        actions=_FILE_SERVICE + "generateUserDelegationKey/action",
    ),
)
