"""Built-in roles: monitoring and logs."""

from .role_data import define_role

MONITORING_ROLES = (
    define_role(
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        "Monitoring Reader",
        "Can read all monitoring data.",
        actions="""
            */read
            Microsoft.OperationalInsights/workspaces/search/action
            Microsoft.Support/*
        """,
    ),
    define_role(
        "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
        "Monitoring Contributor",
        "Can read all monitoring data and update monitoring settings.",
        actions="""
            */read
            Microsoft.AlertsManagement/{alerts,alertsSummary,issues}/*
            Microsoft.AlertsManagement/{smartDetectorAlertRules,actionRules,smartGroups}/*
            Microsoft.AlertsManagement/{migrateFromSmartDetection,investigations}/*
            Microsoft.AlertsManagement/prometheusRuleGroups/*
            Microsoft.Insights/{actiongroups,activityLogAlerts,AlertRules,components}/*
            Microsoft.Insights/{createNotifications,dataCollectionEndpoints,dataCollectionRules}/*
            Microsoft.Insights/{dataCollectionRuleAssociations,DiagnosticSettings,eventtypes}/*
            Microsoft.Insights/{LogDefinitions,metricalerts,MetricDefinitions,Metrics}/*
            Microsoft.Insights/notificationStatus/*
            Microsoft.Insights/Register/Action
            Microsoft.Insights/{scheduledqueryrules,webtests,workbooks,workbooktemplates}/*
            Microsoft.Insights/{privateLinkScopes,privateLinkScopeOperationStatuses}/*
            Microsoft.Monitor/{accounts,settings,investigations}/*
            Microsoft.OperationalInsights/workspaces/{write,search/action,failback/action}
            Microsoft.OperationalInsights/workspaces/{intelligencepacks,savedSearches}/*
            Microsoft.OperationalInsights/workspaces/sharedKeys/{action,read}
            Microsoft.OperationalInsights/workspaces/storageinsightconfigs/*
            Microsoft.OperationalInsights/locations/workspaces/failover/action
            Microsoft.Resources/deployments/*
            Microsoft.Support/*
        """,
    ),
    define_role(
        "3913510d-42f4-4e42-8a64-420c390055eb",
        "Monitoring Metrics Publisher",
        "Enables publishing metrics against Azure resources",
        actions="""
            Microsoft.Insights/Register/Action
            Microsoft.Support/*
            Microsoft.Resources/subscriptions/resourceGroups/read
        """,
        data_actions="Microsoft.Insights/{Metrics,Telemetry}/Write",
    ),
    define_role(
        "b0d8363b-8ddd-447d-831f-62ca05bff136",
        "Monitoring Data Reader",
        "Can access the data in an Azure Monitor Workspace.",
        data_actions="Microsoft.Monitor/accounts/data/metrics/read",
    ),
    define_role(
        "73c42c96-874c-492b-b04d-ab87d138a893",
        "Log Analytics Reader",
        "Log Analytics Reader can view and search all monitoring data as well as and view "
        "monitoring settings, including viewing the configuration of Azure diagnostics on all "
        "Azure resources.",
        actions="""
            */read
            Microsoft.OperationalInsights/workspaces/{analytics/query,search}/action
            Microsoft.Support/*
        """,
        not_actions="Microsoft.OperationalInsights/workspaces/sharedKeys/read",
        data_actions="Microsoft.OperationalInsights/workspaces/jobs/export/action",
    ),
    define_role(
        "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
        "Log Analytics Contributor",
        "Log Analytics Contributor can read all monitoring data and edit monitoring settings. "
        "Editing monitoring settings includes adding the VM extension to VMs; reading storage "
        "account keys to be able to configure collection of logs from Azure Storage; adding "
        "solutions; and configuring Azure diagnostics on all Azure resources.",
        actions="""
            */read
            Microsoft.ClassicCompute/virtualMachines/extensions/*
            Microsoft.ClassicStorage/storageAccounts/listKeys/action
            Microsoft.Compute/virtualMachines/extensions/*
            Microsoft.HybridCompute/machines/extensions/write
            Microsoft.Insights/{alertRules,diagnosticSettings}/*
            Microsoft.OperationalInsights/*
            Microsoft.OperationsManagement/*
            Microsoft.Resources/deployments/*
            Microsoft.Resources/subscriptions/resourcegroups/deployments/*
            Microsoft.Storage/storageAccounts/listKeys/action
            Microsoft.Support/*
        """,
        data_actions="Microsoft.OperationalInsights/workspaces/jobs/export/action",
    ),
    define_role(
        "3b03c2da-16b3-4a49-8834-0f8130efdd3b",
        "Log Analytics Data Reader",
        "Log Analytics Data Reader can query and search the logs it is allowed to view over Log "
        "Analytics workspaces and tables",
        actions="Microsoft.OperationalInsights/workspaces/{query/read,read}",
        data_actions="Microsoft.OperationalInsights/workspaces/tables/data/read",
    ),
)
