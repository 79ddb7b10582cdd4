"""The names of Graph's properties, for filters: one that is not there is a mistake, no empty list.

Those that Silo keeps nothing of are among them: nobody has such a property.

Source: learn.microsoft.com/graph/api/resources/{user,group,application,serviceprincipal}
"""

_ANY_OBJECT = "id deletedDateTime createdDateTime displayName description"
_CREDENTIALS = "keyCredentials passwordCredentials"
_ON_PREMISES = """
    onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName
    onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier
    onPremisesSyncEnabled
"""
_USER = """
    accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo businessPhones city
    companyName consentProvidedForMinor country createdByAppId creationType
    customSecurityAttributes department employeeHireDate employeeId employeeLeaveDateTime
    employeeOrgData employeeType externalUserState externalUserStateChangeDateTime faxNumber
    givenName identities imAddresses isManagementRestricted isResourceAccount jobTitle
    lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mail
    mailNickname manager memberOf mobilePhone officeLocation onPremisesDistinguishedName
    onPremisesExtensionAttributes onPremisesImmutableId onPremisesUserPrincipalName otherMails
    passwordPolicies passwordProfile postalCode preferredDataLocation preferredLanguage
    provisionedPlans proxyAddresses securityIdentifier serviceProvisioningErrors
    showInAddressList signInActivity signInSessionsValidFromDateTime state streetAddress surname
    usageLocation userPrincipalName userType
"""
_GROUP = """
    allowExternalSenders assignedLabels assignedLicenses autoSubscribeNewMembers classification
    createdByAppId creationOptions expirationDateTime groupTypes hasMembersWithLicenseErrors
    hideFromAddressLists hideFromOutlookClients infoCatalogs isAssignableToRole
    isManagementRestricted isSubscribedByMail licenseProcessingState mail mailEnabled
    mailNickname memberOf members membershipRule membershipRuleProcessingState owners
    preferredDataLocation preferredLanguage proxyAddresses renewedDateTime
    resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier
    serviceProvisioningErrors theme uniqueName unseenCount visibility
"""
_APPLICATION = """
    addIns api appId appRoles applicationTemplateId authenticationBehaviors certification
    createdByAppId createdOnBehalfOf defaultRedirectUri disabledByMicrosoftStatus
    federatedIdentityCredentials groupMembershipClaims identifierUris info
    isDeviceOnlyAuthSupported isFallbackPublicClient logo nativeAuthenticationApisEnabled notes
    optionalClaims owners parentalControlSettings publicClient publisherDomain
    requestSignatureVerification requiredResourceAccess samlMetadataUrl
    serviceManagementReference servicePrincipalLockConfiguration signInAudience spa tags
    tokenEncryptionKeyId uniqueName verifiedPublisher web
"""
_SERVICE_PRINCIPAL = """
    accountEnabled addIns alternativeNames appDescription appDisplayName appId
    appOwnerOrganizationId appRoleAssignmentRequired appRoles applicationTemplateId
    createdByAppId customSecurityAttributes disabledByMicrosoftStatus
    federatedIdentityCredentials homepage info loginUrl logoutUrl memberOf notes
    notificationEmailAddresses oauth2PermissionScopes owners preferredSingleSignOnMode
    preferredTokenSigningKeyThumbprint publisherName replyUrls
    resourceSpecificApplicationPermissions
    samlSingleSignOnSettings servicePrincipalNames servicePrincipalType signInAudience tags
    tokenEncryptionKeyId verifiedPublisher
"""
PROPERTIES = {
    kind: frozenset(" ".join(lists).casefold().split())
    for kind, lists in {
        "users": (_ANY_OBJECT, _ON_PREMISES, _USER),
        "groups": (_ANY_OBJECT, _ON_PREMISES, _GROUP),
        "applications": (_ANY_OBJECT, _CREDENTIALS, _APPLICATION),
        "servicePrincipals": (_ANY_OBJECT, _CREDENTIALS, _SERVICE_PRINCIPAL),
    }.items()
}
"""Kind of list → the names in lower case; other kinds are not checked."""
