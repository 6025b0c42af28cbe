"""The attributes asked of a directory: an allow-list by kind of object and by naming context, never ``*``.

No secret is ever asked: ``SECRETS`` names what a test forbids in the lists, and no attribute that the schema marks
confidential (searchFlags bit 128, MS-ADTS 3.1.1.2.3) is in them. A server that does not know an attribute ignores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from probes.facts.directory import NamingContextRole

#: What every object has, its descriptor included (asked without SACL).
OBJECT: Final = (
    "objectClass objectGUID objectSid name displayName whenCreated whenChanged uSNChanged isDeleted "
    "isCriticalSystemObject systemFlags showInAdvancedViewOnly nTSecurityDescriptor adminCount managedBy"
)

#: Users, computers, managed service accounts, groups and foreign principals.
PRINCIPAL: Final = (
    "sAMAccountName sAMAccountType userPrincipalName userAccountControl msDS-User-Account-Control-Computed "
    "primaryGroupID pwdLastSet lastLogon lastLogonTimestamp logonCount accountExpires lockoutTime "
    "servicePrincipalName msDS-SupportedEncryptionTypes msDS-AllowedToDelegateTo "
    "msDS-AllowedToActOnBehalfOfOtherIdentity sIDHistory altSecurityIdentities scriptPath profilePath homeDirectory "
    "msDS-KeyCredentialLink msDS-ResultantPSO msDS-AssignedAuthNPolicy msDS-AssignedAuthNPolicySilo "
    "groupType member"
)

#: Computers, with the presence of LAPS read from its expiration times only, and read-only domain controllers.
COMPUTER: Final = (
    "dNSHostName operatingSystem operatingSystemVersion operatingSystemServicePack mS-DS-CreatorSID "
    "ms-Mcs-AdmPwdExpirationTime msLAPS-PasswordExpirationTime serverReferenceBL "
    "msDS-isRODC msDS-KrbTgtLink msDS-SecondaryKrbTgtNumber msDS-NeverRevealGroup msDS-RevealOnDemandGroup "
    "msDS-RevealedUsers msDS-HostServiceAccount"
)

#: Managed service accounts: who may use them and what they replace, never their password.
MANAGED_ACCOUNT: Final = (
    "msDS-GroupMSAMembership msDS-ManagedPasswordInterval msDS-DelegatedMSAState "
    "msDS-ManagedAccountPrecededByLink msDS-SupersededManagedAccountLink msDS-SupersededServiceAccountState"
)

#: The domain's root, organisational units, and password settings objects.
POLICY: Final = (
    "minPwdLength minPwdAge maxPwdAge pwdHistoryLength pwdProperties lockoutThreshold lockoutDuration "
    "lockOutObservationWindow ms-DS-MachineAccountQuota msDS-ExpirePasswordsOnSmartCardOnlyAccounts "
    "msDS-Behavior-Version nTMixedDomain fSMORoleOwner gPLink gPOptions wellKnownObjects otherWellKnownObjects "
    "msDS-PasswordSettingsPrecedence msDS-MinimumPasswordLength msDS-MinimumPasswordAge msDS-MaximumPasswordAge "
    "msDS-PasswordHistoryLength msDS-PasswordComplexityEnabled msDS-PasswordReversibleEncryptionEnabled "
    "msDS-LockoutThreshold msDS-LockoutDuration msDS-LockoutObservationWindow msDS-PSOAppliesTo"
)

#: Group policy containers, SYSVOL replication, preparation of the domain, RID manager.
SYSTEM: Final = (
    "gPCFileSysPath gPCFunctionalityVersion gPCMachineExtensionNames gPCUserExtensionNames gPCWQLFilter "
    "versionNumber flags revision msDFSR-Flags msDFSR-ReplicationGroupType msDFSR-ComputerReference "
    "msDFSR-MemberReference fRSReplicaSetType frsComputerReference fRSMemberReference rIDAvailablePool"
)

#: Trusts, without their keys.
TRUST: Final = (
    "trustPartner flatName trustDirection trustType trustAttributes securityIdentifier msDS-TrustForestTrustInfo"
)

#: Zones kept in the directory, without their records.
ZONE: Final = "dNSProperty dNSTombstoned"

#: Partitions, sites, controllers and services of the forest.
FOREST: Final = (
    "nCName dnsRoot nETBIOSName trustParent rootTrust uPNSuffixes msDS-Behavior-Version msDS-EnabledFeature "
    "msDS-OptionalFeatureGUID dSHeuristics tombstoneLifetime msDS-DeletedObjectLifetime lDAPAdminLimits "
    "lDAPIPDenyList serverReference dNSHostName options msDS-HasMasterNCs hasMasterNCs fSMORoleOwner gPLink gPOptions "
    "siteObject adminContextMenu adminPropertyPages contextMenu revision rightsGuid appliesTo validAccesses keywords "
    "otherWellKnownObjects msDS-Other-Settings"
)

#: The public key services (certificates are public).
PKI: Final = (
    "cACertificate cACertificateDN userCertificate certificateTemplates flags msPKI-Certificate-Name-Flag "
    "msPKI-Enrollment-Flag msPKI-Private-Key-Flag msPKI-RA-Signature msPKI-RA-Application-Policies msPKI-RA-Policies "
    "msPKI-Certificate-Application-Policy msPKI-Certificate-Policy msPKI-Minimal-Key-Size "
    "msPKI-Template-Schema-Version msPKI-Cert-Template-OID msPKI-Enrollment-Servers msDS-OIDToGroupLink "
    "pKIExtendedKeyUsage pKIExpirationPeriod pKIOverlapPeriod revision"
)

#: Authentication policies and silos. (Every attribute of a KDS root key is confidential: none is asked.)
AUTHENTICATION: Final = (
    "msDS-AuthNPolicySiloEnforced msDS-AuthNPolicySiloMembers msDS-AuthNPolicyEnforced msDS-UserAuthNPolicy "
    "msDS-ComputerAuthNPolicy msDS-ServiceAuthNPolicy msDS-UserTGTLifetime msDS-UserAllowedToAuthenticateFrom "
    "msDS-UserAllowedNTLMNetworkAuthentication"
)

#: Classes and attributes of the schema.
SCHEMA: Final = (
    "lDAPDisplayName attributeID governsID schemaIDGUID attributeSecurityGUID attributeSyntax searchFlags rangeUpper "
    "objectVersion defaultSecurityDescriptor subClassOf auxiliaryClass systemAuxiliaryClass possSuperiors "
    "systemPossSuperiors isDefunct fSMORoleOwner"
)

_BY_ROLE: Final[Mapping[NamingContextRole, tuple[str, ...]]] = {
    NamingContextRole.DOMAIN: (OBJECT, PRINCIPAL, COMPUTER, MANAGED_ACCOUNT, POLICY, SYSTEM, TRUST, ZONE),
    NamingContextRole.CONFIGURATION: (OBJECT, FOREST, PKI, AUTHENTICATION),
    NamingContextRole.SCHEMA: (OBJECT, SCHEMA),
    NamingContextRole.DOMAIN_DNS: (OBJECT, ZONE),
    NamingContextRole.FOREST_DNS: (OBJECT, ZONE),
    NamingContextRole.OTHER: (OBJECT,),
}

#: Attributes that hold a secret, or something a secret is derived from; lower case.
SECRETS: Final = frozenset(
    (
        "unicodepwd dbcspwd ntpwdhistory lmpwdhistory supplementalcredentials userpassword unixuserpassword "
        "mssfu30password clearpassword krbprincipalkey orclcommonattribute peklist "
        "ms-mcs-admpwd ms-mcs-admpwdhistory mslaps-password mslaps-encryptedpassword "
        "mslaps-encryptedpasswordhistory mslaps-encrypteddsrmpassword mslaps-encrypteddsrmpasswordhistory "
        "mslaps-currentpasswordversion msds-managedpassword msds-managedpasswordid msds-managedpasswordpreviousid "
        "msfve-recoverypassword msfve-keypackage mstpm-ownerinformation mstpm-ownerinformationtemp "
        "mskds-rootkeydata mskds-secretagreementparam mskds-kdfparam "
        "trustauthincoming trustauthoutgoing initialauthincoming initialauthoutgoing currentvalue priorvalue "
        "mspkiaccountcredentials mspkidpapimasterkeys mspkiroamingtimestamp mspki-credentialroamingtokens "
        "msds-executescriptpassword msds-issuercertificates privatekey userpkcs12 usersmimecertificate "
        "ms-ds-creatorpassword userparameters info comment description"
    )
    .lower()
    .split()
)


def asked(role: NamingContextRole) -> tuple[str, ...]:
    """Return the attributes asked of a naming context, in a stable order."""
    return tuple(sorted({name for names in _BY_ROLE[role] for name in names.split()}, key=str.lower))
