"""Built-in roles: Azure Kubernetes Service and Azure Container Instances.

The data actions below ``managedClusters`` are Kubernetes API groups, resources and verbs.
"""

from .role_data import define_role

_READ_SCOPE = """
    Microsoft.Authorization/*/read
    Microsoft.Resources/subscriptions/{read,operationresults/read,resourceGroups/read}
"""


def _cluster(text: str) -> str:
    """Put the patterns below the type of a managed cluster."""
    return " ".join(f"Microsoft.ContainerService/managedClusters/{word}" for word in text.split())


KUBERNETES_ROLES = (
    define_role(
        "5d977122-f97e-4b4d-a52f-6b43003ddb4d",
        "Azure Container Instances Contributor Role",
        "Grants read/write access to container groups provided by Azure Container Instances",
        actions="""
            Microsoft.ContainerInstance/containerGroups/*
            Microsoft.Resources/deployments/*
            Microsoft.Authorization/*/read
            Microsoft.Insights/alertRules/*
            Microsoft.Resources/subscriptions/resourceGroups/read
        """,
    ),
    define_role(
        "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8",
        "Azure Kubernetes Service Cluster Admin Role",
        "List cluster admin credential action.",
        actions=_cluster(
            "listClusterAdminCredential/action accessProfiles/listCredential/action "
            "read runcommand/action"
        ),
    ),
    define_role(
        "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
        "Azure Kubernetes Service Cluster User Role",
        "List cluster user credential action.",
        actions=_cluster("listClusterUserCredential/action read"),
    ),
    define_role(
        "1afdec4b-e479-420e-99e7-f82237c7c5e6",
        "Azure Kubernetes Service Cluster Monitoring User",
        "List cluster monitoring user credential action.",
        actions=_cluster("listClusterMonitoringUserCredential/action read"),
    ),
    define_role(
        "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
        "Azure Kubernetes Service Contributor Role",
        "Grants access to read and write Azure Kubernetes Service clusters",
        actions="""
            Microsoft.Authorization/*/read
            Microsoft.ContainerService/locations/*
            Microsoft.ContainerService/managedClusters/*
            Microsoft.ContainerService/managedclustersnapshots/*
            Microsoft.ContainerService/snapshots/*
            Microsoft.Insights/alertRules/*
            Microsoft.Resources/deployments/*
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.ContainerService/deploymentSafeguards/*
        """,
    ),
    define_role(
        "1b7f3653-4324-473a-9165-bc55e4d04ba8",
        "Azure Kubernetes Service Agent Pool Manager Role",
        "Role for agentpool related actions",
        actions=_cluster(
            "agentPools/{read,write,delete,upgradeNodeImageVersion/action,abort/action}"
        ),
    ),
    define_role(
        "8e253927-1f29-4d89-baa2-c3a549eff423",
        "Azure Kubernetes Service Machine Manager Role",
        "Role for machine related actions",
        actions=_cluster("agentPools/{deleteMachines/action,machines/read,machines/write}"),
    ),
    define_role(
        "289d8817-ee69-43f1-a0af-43a45505b488",
        "Azure Kubernetes Service Namespace Contributor",
        "Allows users to create and manage Azure Kubernetes Service namespace resources.",
        actions="""
            Microsoft.Authorization/*/read
            Microsoft.Insights/alertRules/*
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.ContainerService/managedClusters/managedNamespaces/*
            Microsoft.Resources/deployments/*
        """,
    ),
    define_role(
        "c9f76ca8-b262-4b10-8ed2-09cf0948aa35",
        "Azure Kubernetes Service Namespace User",
        "Allows users to read Azure Kubernetes Service namespace resources. In-cluster namespace "
        "access further requires assignment of Azure Kubernetes Service RBAC roles to the "
        "namespace resource for an Entra ID enabled cluster.",
        actions=_cluster("managedNamespaces/{read,listCredential/action}"),
    ),
    define_role(
        "18ed5180-3e48-46fd-8541-4ea054d57064",
        "Azure Kubernetes Service Policy Add-on Deployment",
        "Deploy the Azure Policy add-on on Azure Kubernetes Service clusters",
        actions="""
            Microsoft.Resources/deployments/*
            Microsoft.Network/virtualNetworks/subnets/join/action
            Microsoft.Network/publicIPPrefixes/join/action
            Microsoft.Network/publicIPAddresses/join/action
            Microsoft.Compute/diskEncryptionSets/read
            Microsoft.Compute/proximityPlacementGroups/write
        """,
    ),
    define_role(
        "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
        "Azure Kubernetes Service RBAC Cluster Admin",
        "Lets you manage all resources in the cluster.",
        actions=_READ_SCOPE + _cluster("listClusterUserCredential/action"),
        data_actions=_cluster("*"),
    ),
    define_role(
        "3498e952-d568-435e-9b2c-8d77e338d7f7",
        "Azure Kubernetes Service RBAC Admin",
        "Lets you manage all resources under cluster/namespace, except update or delete resource "
        "quotas and namespaces.",
        actions=_READ_SCOPE + _cluster("listClusterUserCredential/action"),
        data_actions=_cluster("*"),
        not_data_actions=_cluster("{resourcequotas,namespaces}/{write,delete}"),
    ),
    define_role(
        "7f6c6a51-bcf8-42ba-9220-52d62157d7db",
        "Azure Kubernetes Service RBAC Reader",
        "Allows read-only access to see most objects in a namespace. It does not allow viewing "
        "roles or role bindings. This role does not allow viewing Secrets, since reading the "
        "contents of Secrets enables access to ServiceAccount credentials in the namespace, which "
        "would allow API access as any ServiceAccount in the namespace (a form of privilege "
        "escalation). Applying this role at cluster scope will give access across all namespaces.",
        actions=_READ_SCOPE,
        data_actions=_cluster(
            """
            apps/{controllerrevisions,daemonsets,deployments,replicasets,statefulsets}/read
            autoscaling/horizontalpodautoscalers/read
            batch/{cronjobs,jobs}/read
            configmaps/read
            discovery.k8s.io/endpointslices/read
            endpoints/read
            events.k8s.io/events/read
            events/read
            extensions/{daemonsets,deployments,ingresses,networkpolicies,replicasets}/read
            limitranges/read
            metrics.k8s.io/{pods,nodes}/read
            namespaces/read
            networking.k8s.io/{ingresses,networkpolicies}/read
            persistentvolumeclaims/read
            pods/read
            policy/poddisruptionbudgets/read
            replicationcontrollers/read
            resourcequotas/read
            serviceaccounts/read
            services/read
            """
        ),
    ),
    define_role(
        "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb",
        "Azure Kubernetes Service RBAC Writer",
        "Allows read/write access to most objects in a namespace.This role does not allow viewing "
        "or modifying roles or role bindings. However, this role allows accessing Secrets and "
        "running Pods as any ServiceAccount in the namespace, so it can be used to gain the API "
        "access levels of any ServiceAccount in the namespace. Applying this role at cluster scope "
        "will give access across all namespaces.",
        actions=_READ_SCOPE,
        data_actions=_cluster(
            """
            apps/controllerrevisions/read
            apps/{daemonsets,deployments,replicasets,statefulsets}/*
            autoscaling/horizontalpodautoscalers/*
            batch/{cronjobs,jobs}/*
            coordination.k8s.io/leases/{read,write,delete}
            discovery.k8s.io/endpointslices/read
            configmaps/*
            endpoints/*
            events.k8s.io/events/read
            events/*
            extensions/{daemonsets,deployments,ingresses,networkpolicies,replicasets}/*
            limitranges/read
            metrics.k8s.io/{pods,nodes}/read
            namespaces/read
            networking.k8s.io/{ingresses,networkpolicies}/*
            persistentvolumeclaims/*
            pods/*
            policy/poddisruptionbudgets/*
            replicationcontrollers/*
            resourcequotas/read
            secrets/*
            serviceaccounts/*
            services/*
            """
        ),
    ),
    define_role(
        "85cb6faf-e071-4c9b-8136-154b5a04f717",
        "Kubernetes Extension Contributor",
        "Can create, update, get, list and delete Kubernetes Extensions, and get extension async "
        "operations",
        actions="""
            Microsoft.Authorization/*/read
            Microsoft.Insights/alertRules/*
            Microsoft.Resources/deployments/*
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.KubernetesConfiguration/extensions/{write,read,delete,operations/read}
            Microsoft.KubernetesConfiguration/register/action
        """,
    ),
    define_role(
        "ba79058c-0414-4a34-9e42-c3399d80cd5a",
        "Kubernetes Namespace User",
        "Allows a user to read namespace resources and retrieve kubeconfig for the cluster",
        actions="Microsoft.KubernetesConfiguration/namespaces/{read,listUserCredential/action}",
    ),
)
