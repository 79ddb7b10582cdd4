"""The codes that only Microsoft.Network answers with."""

from collections.abc import Sequence

from silo import arm


class NotSupported(arm.ArmError):
    """Azure has it, this instance does not yet; nothing was stored."""

    code = "NotSupported"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported by this instance yet; nothing was changed.")


class InvalidCIDRNotation(arm.ArmError):
    """A prefix has bits where the length says there are none."""

    code = "InvalidCIDRNotation"

    def __init__(self, prefix: str, resource: str, better: str) -> None:
        super().__init__(
            f"The address prefix {prefix} in resource {resource} has an invalid CIDR notation. For "
            f"the given prefix length, the address prefix should be {better}."
        )


class InvalidAddressPrefixFormat(arm.ArmError):
    """It is no prefix at all."""

    code = "InvalidAddressPrefixFormat"

    def __init__(self, prefix: str, resource: str) -> None:
        super().__init__(
            f"Address prefix {prefix[:50]} of resource {resource} is not formatted correctly. It "
            "should follow CIDR notation, for example 10.0.0.0/24."
        )


class AddressPrefixReserved(arm.ArmError):
    """Some addresses are nobody's own."""

    code = "AddressPrefixReserved"

    def __init__(self, prefix: str, resource: str, reserved: str) -> None:
        super().__init__(
            f"The address prefix {prefix} of resource {resource} overlaps the reserved range "
            f"{reserved}."
        )


class AddressSpaceOverlap(arm.ArmError):
    """Two prefixes of one virtual network meet."""

    code = "InvalidAddressPrefixes"

    def __init__(self, one: str, other: str, resource: str) -> None:
        super().__init__(f"Address prefixes {one} and {other} of resource {resource} overlap.")


class AddressSpaceWithoutIPv4(arm.ArmError):
    """A virtual network has IPv4 addresses, whatever else it has."""

    code = "InvalidAddressPrefixes"

    def __init__(self, resource: str) -> None:
        super().__init__(
            f"The address space of resource {resource} has no IPv4 prefix. A virtual network has "
            "IPv4 prefixes, or IPv4 and IPv6 prefixes; not IPv6 prefixes alone."
        )


class SubnetOutsideNetwork(arm.ArmError):
    """A subnet lies in its virtual network."""

    code = "NetcfgSubnetRangeOutsideVnet"

    def __init__(self, subnet: str, network: str) -> None:
        super().__init__(
            f"Subnet '{subnet}' is not valid because its IP address range is outside the IP "
            f"address range of virtual network '{network}'."
        )


class SubnetsOverlap(arm.ArmError):
    """Two subnets of one virtual network meet."""

    code = "NetcfgSubnetRangesOverlap"

    def __init__(self, subnet: str, network: str) -> None:
        super().__init__(
            f"Subnet '{subnet}' is not valid because its IP address range overlaps with that of "
            f"an existing subnet in virtual network '{network}'."
        )


class SubnetInvalid(arm.ArmError):
    """A subnet has no room: five of its addresses are Azure's."""

    code = "NetcfgInvalidSubnet"

    def __init__(self, subnet: str, network: str, why: str = "") -> None:
        text = f"Subnet '{subnet}' is not valid in virtual network '{network}'."
        super().__init__(f"{text} {why}".strip())


class SubnetNameInUse(arm.ArmError):
    """Two subnets of one body have one name."""

    code = "InvalidRequestFormat"


class InvalidResourceReference(arm.ArmError):
    """What is referred to does not exist."""

    code = "InvalidResourceReference"

    def __init__(self, wanted: str, by: str) -> None:
        super().__init__(
            f"Resource {wanted[:500]} referenced by resource {by} was not found. Please make sure "
            "that the referenced resource exists, and that both resources are in the same region."
        )


class InUseSubnetCannotBeDeleted(arm.ArmError):
    """There are groups in the subnet."""

    code = "InUseSubnetCannotBeDeleted"

    def __init__(self, subnet: str, users: Sequence[str]) -> None:
        super().__init__(
            f"Subnet {subnet} is in use by {', '.join(users)} and cannot be deleted. In order to "
            "delete the subnet, delete all the resources within the subnet. See "
            "aka.ms/deletesubnet."
        )


class InUsePrefixCannotBeDeleted(arm.ArmError):
    """There are groups with addresses of the prefix."""

    code = "InUsePrefixCannotBeDeleted"

    def __init__(self, prefix: str, subnet: str) -> None:
        super().__init__(
            f"IpPrefix {prefix} on Subnet {subnet} has active allocations and cannot be deleted."
        )


class DelegationInUse(arm.ArmError):
    """There are groups in the subnet by right of its delegation."""

    code = "SubnetDelegationsCannotChangeWhenSubnetUsedByResource"

    def __init__(self, subnet: str, users: Sequence[str]) -> None:
        super().__init__(
            f"Delegations of subnet {subnet} cannot be changed because it is being used by the "
            f"resource {', '.join(users)}."
        )


class InUseSecurityGroupCannotBeDeleted(arm.ArmError):
    """Subnets refer to the group."""

    code = "InUseNetworkSecurityGroupCannotBeDeleted"

    def __init__(self, group: str, users: Sequence[str]) -> None:
        super().__init__(
            f"Network security group {group} cannot be deleted because it is in use by the "
            f"following resources: {', '.join(users)}. In order to delete the Network security "
            "group, remove the association with the resource(s)."
        )


class RuleInvalid(arm.ArmError):
    """A security rule cannot mean anything."""

    code = "SecurityRuleInvalid"


class RulePriorityInvalid(RuleInvalid):
    """A priority is 100 to 4096."""

    code = "SecurityRuleInvalidPriority"

    def __init__(self, priority: int) -> None:
        super().__init__(
            f"Security rule has invalid Priority. Value provided: {priority} Allowed range "
            "100-4096."
        )


class RulePortInvalid(RuleInvalid):
    """A port range is a number, two with a dash, or a star."""

    code = "SecurityRuleInvalidPortRange"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"Security rule has invalid Port range. Value provided: {text[:50]}. Value should be "
            "an integer OR integer range with '-' delimiter. Valid range 0-65535."
        )


class RuleAddressInvalid(RuleInvalid):
    """An address prefix is an address, a prefix, a star, or a tag that means something here."""

    code = "SecurityRuleInvalidAddressPrefix"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"Security rule has invalid Address prefix. Value provided: {text[:50]}. It should be "
            "an IP address or prefix, '*', or one of the service tags 'VirtualNetwork', "
            "'Internet', 'AzureLoadBalancer', 'AzureCloud', 'AzureContainerRegistry', 'Storage', "
            "'AzureActiveDirectory', 'AzureResourceManager' and 'AzureMonitor'; no other tag means "
            "anything here."
        )


class RuleFamiliesMixed(RuleInvalid):
    """A rule is about one version of IP, or about both without naming addresses."""

    code = "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies"

    def __init__(self, rule: str) -> None:
        super().__init__(
            f"Resource {rule} contains IP addresses or prefixes that belong to different address "
            "families. All IP addresses or prefixes in the resource should belong to the same "
            "address family."
        )


class RuleConflict(RuleInvalid):
    """Two rules of one direction have one priority."""

    code = "SecurityRuleConflict"

    def __init__(self, one: str, other: str) -> None:
        super().__init__(
            f"Security rule {one} conflicts with rule {other}. Rules cannot have the same Priority "
            "and Direction."
        )


class SubnetNotDelegated(arm.ArmError):
    """Groups go only where the subnet is left to them."""

    code = "SubnetMissingRequiredDelegation"

    def __init__(self, subnet: str, service: str) -> None:
        super().__init__(
            f"Subnet {subnet} requires any of the following delegation(s) [{service}] to reference "
            "service association link."
        )


class NoIPv6Here(arm.ArmError):
    """The subnet promises what this machine does not have."""

    code = "NotSupported"

    def __init__(self, subnet: str, why: str) -> None:
        super().__init__(
            f"Subnet {subnet} has an IPv6 prefix, and {why}: no container group can be placed in "
            "it. Nothing was changed."
        )


class SubnetIsFull(arm.ArmError):
    """Every address of the subnet is taken."""

    code = "SubnetIsFull"

    def __init__(self, subnet: str, prefix: str) -> None:
        super().__init__(
            f"Subnet {subnet} with address prefix {prefix} does not have enough capacity for 1 IP "
            "addresses."
        )


class PublicAddressesExhausted(arm.ArmError):
    """The pool is empty."""

    status = 409
    code = "PublicIPAddressPoolExhausted"

    def __init__(self) -> None:
        super().__init__("The instance's pool of public IP addresses has no address left.")


class PeeringInvalid(arm.ArmError):
    """Two networks cannot be joined so."""

    code = "InvalidVirtualNetworkPeering"


class PeeringSpacesOverlap(PeeringInvalid):
    """Two networks that are joined have no address in common."""

    code = "VnetAddressSpacesOverlap"

    def __init__(self, peering: str, one: str, other: str, overlap: str) -> None:
        super().__init__(
            f"Cannot create or update peering {peering}. Virtual networks {one} and {other} cannot "
            "be peered because their address spaces overlap. Overlapping address prefixes: "
            f"{overlap}."
        )


class PeeringExists(PeeringInvalid):
    """Another peering leads to the same network."""

    code = "AnotherPeeringAlreadyReferencesRemoteVnet"

    def __init__(self, other: str, remote: str) -> None:
        super().__init__(
            f"Peering {other} already references remote virtual network {remote}. Cannot add "
            "another peering referencing the same remote virtual network."
        )


class PeeringRemoteFixed(PeeringInvalid):
    """A peering leads where it led when it was made."""

    code = "ChangingRemoteVirtualNetworkNotAllowed"

    def __init__(self, peering: str) -> None:
        super().__init__(
            f"Cannot change the remote virtual network of peering {peering}; delete the peering "
            "and create another one."
        )


class PeeringDisconnected(PeeringInvalid):
    """The other side remembers a peering that was deleted here."""

    code = "RemotePeeringIsDisconnected"

    def __init__(self, peering: str, remote: str) -> None:
        super().__init__(
            f"Cannot create or update peering {peering} because remote peering {remote} "
            "referencing parent virtual network is in Disconnected state. Update or re-create the "
            "remote peering to get it back to Initiated state."
        )


class ServiceAssociationLinkInUse(arm.ArmError):
    """There are container groups in the subnet: they have to go first."""

    status = 409
    code = "ServiceAssociationLinkInUse"

    def __init__(self, subnet: str, users: Sequence[str]) -> None:
        super().__init__(
            f"The service association link of subnet {subnet} is in use by {', '.join(users)}."
        )
