"""Built-in roles: general, privileged, management and governance."""

from .role_data import define_role

GENERAL_ROLES = (
    define_role(
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Owner",
        "Grants full access to manage all resources, including the ability to assign roles in "
        "Azure RBAC.",
        actions="*",
    ),
    define_role(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        "Grants full access to manage all resources, but does not allow you to assign roles in "
        "Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
        actions="*",
        not_actions="""
            Microsoft.Authorization/*/{Delete,Write}
            Microsoft.Authorization/elevateAccess/Action
            Microsoft.Blueprint/blueprintAssignments/{write,delete}
            Microsoft.Compute/galleries/share/action
            Microsoft.Purview/consents/{write,delete}
            Microsoft.Resources/deploymentStacks/manageDenySetting/action
            Microsoft.Subscription/{cancel,enable}/action
        """,
    ),
    define_role(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        "View all resources, but does not allow you to make any changes.",
        actions="*/read",
    ),
    define_role(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        "Lets you manage user access to Azure resources.",
        actions="*/read Microsoft.Authorization/* Microsoft.Support/*",
    ),
    define_role(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        "Manage access to Azure resources by assigning roles using Azure RBAC. This role does not "
        "allow you to manage access using other ways, such as Azure Policy.",
        actions="""
            Microsoft.Authorization/roleAssignments/{write,delete}
            */read
            Microsoft.Support/*
        """,
    ),
    define_role(
        "28bf596f-4eb7-45ce-b5bc-6cf482fec137",
        "Locks Contributor",
        "Can Manage Locks Operations.",
        actions="Microsoft.Authorization/locks/{read,write,delete}",
    ),
    define_role(
        "5d58bcaf-24a5-4b20-bdb6-eed9f69fbe4c",
        "Management Group Contributor",
        "Management Group Contributor Role",
        actions="""
            Microsoft.Management/managementGroups/{read,write,delete}
            Microsoft.Management/managementGroups/subscriptions/{read,write,delete}
            Microsoft.Authorization/*/read
        """,
    ),
    define_role(
        "ac63b705-f282-497d-ac71-919bf39d939d",
        "Management Group Reader",
        "Management Group Reader Role",
        actions="""
            Microsoft.Management/managementGroups/{read,subscriptions/read}
            Microsoft.Authorization/*/read
        """,
    ),
    define_role(
        "36243c78-bf99-498c-9df9-86d9f8d28608",
        "Resource Policy Contributor",
        "Users with rights to create/modify resource policy, create support ticket and read "
        "resources/hierarchy.",
        actions="""
            */read
            Microsoft.Authorization/policyassignments/*
            Microsoft.Authorization/policydefinitions/*
            Microsoft.Authorization/policyexemptions/*
            Microsoft.Authorization/policyenrollments/*
            Microsoft.Authorization/policysetdefinitions/*
            Microsoft.PolicyInsights/*
            Microsoft.Resources/deployments/*
            Microsoft.Support/*
        """,
    ),
    define_role(
        "4a9ae827-6dc8-4573-8ac7-8239d42aa03f",
        "Tag Contributor",
        "Lets you manage tags on entities, without providing access to the entities themselves.",
        actions="""
            Microsoft.Authorization/*/read
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.Resources/subscriptions/resourceGroups/resources/read
            Microsoft.Resources/subscriptions/resources/read
            Microsoft.Resources/deployments/*
            Microsoft.Insights/alertRules/*
            Microsoft.Support/*
            Microsoft.Resources/tags/*
        """,
    ),
    define_role(
        "cfd33db0-3dd1-45e3-aa9d-cdbdf3b6f24e",
        "Support Request Contributor",
        "Lets you create and manage Support requests",
        actions="""
            Microsoft.Authorization/*/read
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.Support/*
        """,
    ),
)
