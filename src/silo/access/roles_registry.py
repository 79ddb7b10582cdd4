"""Built-in roles: Azure Container Registry.

The Acr* roles allow by Actions; "Container Registry Repository *" by DataActions.
"""

from .role_data import define_role

_INSIGHTS = """
    Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/diagnosticSettings/read
    Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/diagnosticSettings/write
    Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/logDefinitions/read
    Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/metricDefinitions/read
    Microsoft.Insights/AlertRules/{Write,Delete,Read}
    Microsoft.Insights/AlertRules/{Activated,Resolved,Throttled}/Action
    Microsoft.Insights/AlertRules/Incidents/Read
"""

REGISTRY_ROLES = (
    define_role(
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "AcrPull",
        "acr pull",
        actions="Microsoft.ContainerRegistry/registries/pull/read",
    ),
    define_role(
        "8311e382-0749-4cb8-b61a-304f252e45ec",
        "AcrPush",
        "acr push",
        actions="Microsoft.ContainerRegistry/registries/{pull/read,push/write}",
    ),
    define_role(
        "c2f4ef07-c644-48eb-af81-4b1b4947fb11",
        "AcrDelete",
        "acr delete",
        actions="Microsoft.ContainerRegistry/registries/artifacts/delete",
    ),
    define_role(
        "6cef56e8-d556-48e5-a04f-b8e64114680f",
        "AcrImageSigner",
        "Planned DEPRECATION on March 31, 2028. Grant the signing permission for content trust. "
        "As content trust is being deprecated and will be completely removed on March 31, 2028, "
        "this role will also be removed. Refer to https://aka.ms/acr/dctdeprecation for details "
        "and transition guidance.",
        actions="Microsoft.ContainerRegistry/registries/sign/write",
        data_actions="Microsoft.ContainerRegistry/registries/trustedCollections/write",
    ),
    define_role(
        "cdda3590-29a3-44f6-95f2-9f980659eb04",
        "AcrQuarantineReader",
        "acr quarantine data reader",
        actions="Microsoft.ContainerRegistry/registries/quarantine/read",
        data_actions="Microsoft.ContainerRegistry/registries/quarantinedArtifacts/read",
    ),
    define_role(
        "c8d4ff99-41c3-41a8-9f60-21dfdad59608",
        "AcrQuarantineWriter",
        "acr quarantine data writer",
        actions="Microsoft.ContainerRegistry/registries/quarantine/{read,write}",
        data_actions="Microsoft.ContainerRegistry/registries/quarantinedArtifacts/{read,write}",
    ),
    define_role(
        "b93aa761-3e63-49ed-ac28-beffa264f7ac",
        "Container Registry Repository Reader",
        "Allows for read access to Azure Container Registry repositories, but excluding catalog "
        "listing.",
        data_actions="Microsoft.ContainerRegistry/registries/repositories/{metadata,content}/read",
    ),
    define_role(
        "2a1e307c-b015-4ebd-883e-5b7698a07328",
        "Container Registry Repository Writer",
        "Allows for read and write access to Azure Container Registry repositories, but excluding "
        "catalog listing.",
        data_actions="""
            Microsoft.ContainerRegistry/registries/repositories/{metadata,content}/{read,write}
        """,
    ),
    define_role(
        "2efddaa5-3f1f-4df3-97df-af3f13818f4c",
        "Container Registry Repository Contributor",
        "Allows for read, write, and delete access to Azure Container Registry repositories, but "
        "excluding catalog listing.",
        data_actions="""
            Microsoft.ContainerRegistry/registries/repositories/metadata/{read,write,delete}
            Microsoft.ContainerRegistry/registries/repositories/content/{read,write,delete}
        """,
    ),
    define_role(
        "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
        "Container Registry Repository Catalog Lister",
        "Allows for listing all repositories in an Azure Container Registry.",
        data_actions="Microsoft.ContainerRegistry/registries/catalog/read",
    ),
    define_role(
        "577a9874-89fd-4f24-9dbd-b5034d0ad23a",
        "Container Registry Data Importer and Data Reader",
        "Provides the ability to import images into a registry through the registry import "
        "operation. Provides the ability to list repositories, view images and tags, get "
        "manifests, and pull images. Does not provide permissions for importing images through "
        "configuring registry transfer pipelines such as import and export pipelines. Does not "
        "provide permissions for importing through configuring Artifact Cache or Sync rules.",
        actions="Microsoft.ContainerRegistry/registries/{importImage/action,read,pull/read}",
        data_actions="""
            Microsoft.ContainerRegistry/registries/repositories/{content,metadata}/read
            Microsoft.ContainerRegistry/registries/catalog/read
        """,
    ),
    define_role(
        "df87f177-bb12-4db1-9793-a413691eff94",
        "Container Registry Cache Rule Administrator",
        "Create, Read, Update, and Delete Cache Rules in Container Registry. This role doesn't "
        "grant permissions to manage Credential Sets.",
        actions="""
            Microsoft.ContainerRegistry/registries/cacheRules/{read,write,delete}
            Microsoft.ContainerRegistry/registries/cacheRules/operationStatuses/read
        """,
    ),
    define_role(
        "c357b964-0002-4b64-a50d-7a28f02edc52",
        "Container Registry Cache Rule Reader",
        "Read the configuration of Cache Rules in Container Registry. This permission doesn't "
        "grant permission to read Credential Sets.",
        actions="Microsoft.ContainerRegistry/registries/cacheRules/read",
    ),
    define_role(
        "f094fb07-0703-4400-ad6a-e16dd8000e14",
        "Container Registry Credential Set Administrator",
        "Create, Read, Update, and Delete Credential Sets in Container Registry. This role doesn't "
        "affect the needed permissions for storing content inside Azure Key Vault. This role also "
        "doesn't grant permissions to manage Cache Rules.",
        actions="""
            Microsoft.ContainerRegistry/registries/credentialSets/{read,write,delete}
            Microsoft.ContainerRegistry/registries/credentialSets/operationStatuses/read
        """,
    ),
    define_role(
        "29093635-9924-4f2c-913b-650a12949526",
        "Container Registry Credential Set Reader",
        "Read the configuration of Credential Sets in Container Registry. This permission doesn't "
        "allow permission to see content inside Azure Key vault only the content inside Container "
        "Registry. This permission doesn't grant permission to read Cache Rules.",
        actions="Microsoft.ContainerRegistry/registries/credentialSets/read",
    ),
    define_role(
        "281928aa-9782-4d9a-954a-3f34c1ed9f95",
        "Container Registry Connected Registry Administrator",
        "Can manage connected registries in a container registry, including the scope maps and "
        "tokens required to provision and operate them.",
        actions="""
            Microsoft.ContainerRegistry/registries/read
            Microsoft.ContainerRegistry/registries/connectedRegistries/{read,write,delete}
            Microsoft.ContainerRegistry/registries/connectedRegistries/{deactivate,resync}/action
            Microsoft.ContainerRegistry/registries/{scopeMaps,tokens}/{read,write,delete}
            Microsoft.ContainerRegistry/registries/{scopeMaps,tokens}/operationStatuses/read
            Microsoft.ContainerRegistry/registries/generateCredentials/action
        """,
    ),
    define_role(
        "93f83a62-9a8b-4821-9827-5b3ee513aec3",
        "Container Registry Connected Registry Reader",
        "Can view connected registries and their associated scope maps and tokens in a container "
        "registry.",
        actions="""
            Microsoft.ContainerRegistry/registries/{read,connectedRegistries/read}
            Microsoft.ContainerRegistry/registries/scopeMaps/{read,operationStatuses/read}
            Microsoft.ContainerRegistry/registries/tokens/{read,operationStatuses/read}
        """,
    ),
    define_role(
        "3bc748fc-213d-45c1-8d91-9da5725539b9",
        "Container Registry Contributor and Data Access Configuration Administrator",
        "Provides permissions to create, list, and update container registries and registry "
        "configuration properties. Provides permissions to configure data access such as admin "
        "user credentials, scope maps, and tokens, which can be used to read, write or delete "
        "repositories and images. Does not provide direct permissions to read, list, or write "
        "registry contents including repositories and images. Does not provide permissions to "
        "modify data plane content such as imports, Artifact Cache or Sync, and Transfer "
        "Pipelines. Does not provide permissions for managing Tasks.",
        actions=f"""
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.ContainerRegistry/registries/{{read,write,delete,operationStatuses/read}}
            Microsoft.ContainerRegistry/registries/listCredentials/action
            Microsoft.ContainerRegistry/registries/regenerateCredential/action
            Microsoft.ContainerRegistry/registries/generateCredentials/action
            Microsoft.ContainerRegistry/registries/replications/{{read,write,delete}}
            Microsoft.ContainerRegistry/registries/replications/operationStatuses/read
            Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action
            Microsoft.ContainerRegistry/registries/privateEndpointConnections/{{read,write,delete}}
            Microsoft.ContainerRegistry/registries/privateEndpointConnections/operationStatuses/read
            Microsoft.ContainerRegistry/registries/{{tokens,scopeMaps}}/{{read,write,delete}}
            Microsoft.ContainerRegistry/registries/{{tokens,scopeMaps}}/operationStatuses/read
            {_INSIGHTS}
            Microsoft.Resources/deployments/*
            Microsoft.Authorization/*/read
            Microsoft.ContainerRegistry/registries/connectedRegistries/{{read,write,delete}}
            Microsoft.ContainerRegistry/registries/connectedRegistries/{{deactivate,resync}}/action
            Microsoft.ContainerRegistry/registries/webhooks/{{read,write,delete}}
            Microsoft.ContainerRegistry/registries/webhooks/{{getCallbackConfig,ping}}/action
            Microsoft.ContainerRegistry/registries/webhooks/listEvents/action
            Microsoft.ContainerRegistry/registries/webhooks/operationStatuses/read
            Microsoft.ContainerRegistry/locations/operationResults/read
            Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action
            Microsoft.Network/virtualNetworks/{{read,subnets/read,subnets/write}}
            Microsoft.Network/privateEndpoints/privateLinkServiceProxies/{{read,write,delete}}
            Microsoft.Support/*
        """,
    ),
    define_role(
        "69b07be0-09bf-439a-b9a6-e73de851bd59",
        "Container Registry Configuration Reader and Data Access Configuration Reader",
        "Provides permissions to list container registries and registry configuration properties. "
        "Provides permissions to list data access configuration such as admin user credentials, "
        "scope maps, and tokens, which can be used to read, write or delete repositories and "
        "images. Does not provide direct permissions to read, list, or write registry contents "
        "including repositories and images. Does not provide permissions to modify data plane "
        "content such as imports, Artifact Cache or Sync, and Transfer Pipelines. Does not provide "
        "permissions for managing Tasks.",
        actions=f"""
            Microsoft.ContainerRegistry/registries/{{read,operationStatuses/read}}
            Microsoft.ContainerRegistry/registries/privateEndpointConnections/read
            Microsoft.ContainerRegistry/registries/privateEndpointConnections/operationStatuses/read
            Microsoft.ContainerRegistry/registries/listCredentials/action
            Microsoft.ContainerRegistry/registries/{{tokens,scopeMaps}}/read
            Microsoft.ContainerRegistry/registries/{{tokens,scopeMaps}}/operationStatuses/read
            Microsoft.ContainerRegistry/registries/webhooks/{{read,operationStatuses/read}}
            Microsoft.ContainerRegistry/registries/webhooks/{{getCallbackConfig,listEvents}}/action
            Microsoft.ContainerRegistry/registries/replications/{{read,operationStatuses/read}}
            Microsoft.ContainerRegistry/registries/connectedRegistries/read
            {_INSIGHTS}
            Microsoft.Resources/deployments/{{read,*/read}}
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.Network/privateEndpoints/privateLinkServiceProxies/read
            Microsoft.Network/virtualNetworks/{{read,subnets/read}}
        """,
    ),
    define_role(
        "fb382eab-e894-4461-af04-94435c366c3f",
        "Container Registry Tasks Contributor",
        "Provides permissions to configure, read, list, trigger, or cancel Container Registry "
        "Tasks, Task Runs, Task Logs, Quick Runs, Quick Builds, and Task Agent Pools. Permissions "
        "granted for Tasks management can be used for full registry data plane permissions "
        "including reading/writing/deleting container images in registries. Permissions granted "
        "for Tasks management can also be used to run customer authored build directives and run "
        "scripts to build software artifacts.",
        actions="""
            Microsoft.ContainerRegistry/registries/agentpools/{read,write,delete}
            Microsoft.ContainerRegistry/registries/agentpools/listQueueStatus/action
            Microsoft.ContainerRegistry/registries/agentpools/operationResults/status/read
            Microsoft.ContainerRegistry/registries/agentpools/operationStatuses/read
            Microsoft.ContainerRegistry/registries/tasks/{read,write,delete,listDetails/action}
            Microsoft.ContainerRegistry/registries/scheduleRun/action
            Microsoft.ContainerRegistry/registries/listBuildSourceUploadUrl/action
            Microsoft.ContainerRegistry/registries/runs/{read,write,listLogSasUrl/action}
            Microsoft.ContainerRegistry/registries/runs/cancel/action
            Microsoft.ContainerRegistry/registries/taskruns/{read,write,delete,listDetails/action}
            Microsoft.ContainerRegistry/registries/taskruns/operationStatuses/read
            Microsoft.Resources/deployments/*
            Microsoft.Resources/subscriptions/resourceGroups/read
            Microsoft.ContainerRegistry/registries/read
        """,
    ),
    define_role(
        "bf94e731-3a51-4a7c-8c54-a1ab9971dfc1",
        "Container Registry Transfer Pipeline Contributor",
        "Provides the ability to transfer, import, and export artifacts through configuring "
        "registry transfer pipelines that involve intermediary storage accounts and key vaults. "
        "Does not provide permissions to push or pull images. Does not provide permissions to "
        "create, manage, or list storage accounts or key vaults. Does not provide permissions to "
        "perform role assignments.",
        actions="""
            Microsoft.ContainerRegistry/registries/exportPipelines/{read,write,delete}
            Microsoft.ContainerRegistry/registries/importPipelines/{read,write,delete}
            Microsoft.ContainerRegistry/registries/pipelineRuns/{read,write,delete}
            Microsoft.ContainerRegistry/registries/pipelineRuns/operationStatuses/read
        """,
    ),
)
