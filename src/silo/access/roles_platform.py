"""Built-in roles: managed identities, networks and names."""

from .role_data import define_role

_USUAL = """
    Microsoft.Authorization/*/read
    Microsoft.Insights/alertRules/*
    Microsoft.Resources/subscriptions/resourceGroups/read
    Microsoft.Resources/deployments/*
"""

PLATFORM_ROLES = (
    define_role(
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        "Managed Identity Contributor",
        "Create, Read, Update, and Delete User Assigned Identity",
        actions=f"""
            Microsoft.ManagedIdentity/userAssignedIdentities/{{read,write,delete}}
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete
            Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action
            {_USUAL}
            Microsoft.Support/*
        """,
    ),
    define_role(
        "7e559ce2-48d7-4b27-9128-fa1b247f1308",
        "Managed Identity Federated Identity Credential Contributor",
        "Create, Read, Update, and Delete User Assigned Identity Federated Identity "
        "Credentials(FIC)",
        actions=f"""
            Microsoft.ManagedIdentity/userAssignedIdentities/read
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete
            {_USUAL}
        """,
    ),
    define_role(
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Managed Identity Operator",
        "Read and Assign User Assigned Identity",
        actions=f"""
            Microsoft.ManagedIdentity/userAssignedIdentities/*/{{read,assign/action}}
            {_USUAL}
            Microsoft.Support/*
        """,
    ),
    define_role(
        "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "Network Contributor",
        "Lets you manage networks, but not access to them.",
        actions=f"""
            {_USUAL}
            Microsoft.Network/*
            Microsoft.ResourceHealth/availabilityStatuses/read
            Microsoft.Support/*
        """,
    ),
    define_role(
        "befefa01-2a29-4197-83a8-272ff33ce314",
        "DNS Zone Contributor",
        "Lets you manage DNS zones and record sets in Azure DNS, but does not let you control who "
        "has access to them.",
        actions=f"""
            {_USUAL}
            Microsoft.Network/dnsZones/*
            Microsoft.ResourceHealth/availabilityStatuses/read
            Microsoft.Support/*
        """,
    ),
    define_role(
        "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
        "Private DNS Zone Contributor",
        "Lets you manage private DNS zone resources, but not the virtual networks they are linked "
        "to.",
        actions=f"""
            {_USUAL}
            Microsoft.Support/*
            Microsoft.Network/privateDnsZones/*
            Microsoft.Network/privateDnsOperationResults/*
            Microsoft.Network/privateDnsOperationStatuses/*
            Microsoft.Network/virtualNetworks/{{read,join/action}}
        """,
    ),
)
