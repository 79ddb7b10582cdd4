"""The codes that only Microsoft.ContainerInstance answers with, in Azure's sentences."""

from silo import arm


class InvalidContainerGroup(arm.ArmError):
    """A part of the group cannot be as it was asked for; subclasses name the part."""

    code = "InvalidContainerGroup"


class InvalidOsType(InvalidContainerGroup):
    """Only Linux runs here; nothing at all is not a choice."""

    code = "InvalidOsType"


class MissingContainers(InvalidContainerGroup):
    """A group without a container is none."""

    code = "MissingContainers"


class TooManyContainers(InvalidContainerGroup):
    """Azure takes 60 containers in a group."""

    code = "TooManyContainers"


class InvalidContainerName(InvalidContainerGroup):
    """A container is named like a DNS label."""

    code = "InvalidContainerName"


class DuplicateContainerName(InvalidContainerGroup):
    """Two containers of one group have different names."""

    code = "DuplicateContainerName"


class MissingImage(InvalidContainerGroup):
    """A container needs an image."""

    code = "MissingImage"


class InvalidImageName(InvalidContainerGroup):
    """The image is no reference (OCI distribution-spec, pulling manifests)."""

    code = "InvalidImageName"


class InvalidCommand(InvalidContainerGroup):
    """A command begins with a program."""

    code = "InvalidCommand"


class InvalidContainerEnvironmentVariable(InvalidContainerGroup):
    """A variable's name or value is not one."""

    code = "InvalidContainerEnvironmentVariable"


class ResourceRequestsNotSpecified(InvalidContainerGroup):
    """Both cpu and memory must be asked for."""

    code = "ResourceRequestsNotSpecified"


class InvalidResourceRequest(InvalidContainerGroup):
    """Cpu or memory is out of range."""

    code = "InvalidResourceRequest"


class InvalidContainerPort(InvalidContainerGroup):
    """A port is a number from 1 to 65535."""

    code = "InvalidContainerPort"


class DuplicateContainerPorts(InvalidContainerGroup):
    """The containers of a group share one network: a port belongs to one of them."""

    code = "DuplicateContainerPorts"


class MissingIpAddressPorts(InvalidContainerGroup):
    """An address without a port reaches nothing."""

    code = "MissingIpAddressPorts"


class InvalidIpAddressPorts(InvalidContainerGroup):
    """The group publishes what no container listens on."""

    code = "InvalidIpAddressPorts"


class PrivateIpAddressNotSupported(InvalidContainerGroup):
    """A private address is one of a subnet."""

    code = "PrivateIPAddressNotSupported"


class InvalidIpAddressTypeForNetworkProfile(InvalidContainerGroup):
    """A group in a subnet has no public address."""

    code = "InvalidIpAddressTypeForNetworkProfile"


class InvalidDnsNameLabel(InvalidContainerGroup):
    """The label is none."""

    code = "InvalidDnsNameLabel"


class DnsNameLabelNotAvailable(arm.Conflict):
    """Somebody else has the label."""

    code = "DnsNameLabelNotAvailable"


class InvalidVolume(InvalidContainerGroup):
    """A volume must say what it is, once."""

    code = "InvalidVolume"


class CannotAccessStorageAccount(InvalidContainerGroup):
    """The share is not there, or the key does not open it."""

    code = "CannotAccessStorageAccount"

    def __init__(self, volume: str, reason: str) -> None:
        super().__init__(
            f"Cannot access the storage account specified in azureFileVolume '{volume}'. Please "
            f"check the storage account name, key and share. {reason}"
        )


class InvalidVolumeMount(InvalidContainerGroup):
    """A container mounts what the group has, where nothing else is."""

    code = "InvalidVolumeMount"


class InvalidProbe(InvalidContainerGroup):
    """A probe does exactly one thing."""

    code = "InvalidProbe"


class InvalidImageRegistryCredential(InvalidContainerGroup):
    """A credential names a server, and one way to sign in to it."""

    code = "InvalidImageRegistryCredential"


class DuplicateImageRegistryCredentials(InvalidContainerGroup):
    """One credential for one server."""

    code = "DuplicateImageRegistryCredentials"


class InvalidSubnet(InvalidContainerGroup):
    """A group lives in one subnet."""

    code = "InvalidSubnet"


class InvalidSecurityContext(InvalidContainerGroup):
    """The context asks for more than any container gets here."""

    code = "InvalidSecurityContext"


class UnsupportedFeature(InvalidContainerGroup):
    """Azure has it; this instance has not, and says so."""

    code = "FeatureNotSupported"


class InvalidContainerGroupUpdate(InvalidContainerGroup):
    """What is fixed when a group is made."""

    code = "InvalidContainerGroupUpdate"

    def __init__(self, group: str) -> None:
        super().__init__(
            f"The updates on container group '{group}' are invalid. If you are going to update "
            "the os type, restart policy, network profile, CPU, memory or GPU resources for a "
            "container group, you must delete it first and then create a new one."
        )


class ContainerGroupTransitioning(arm.Conflict):
    """One thing after the other."""

    code = "ContainerGroupTransitioning"

    def __init__(self, group: str) -> None:
        super().__init__(
            f"The container group '{group}' is still transitioning, please retry later."
        )


class ContainerGroupQuotaReached(arm.Conflict):
    """The subscription has used up its share."""

    code = "ContainerGroupQuotaReached"

    def __init__(self, quota: str, location: str, limit: float, used: float, asked: float) -> None:
        super().__init__(
            "Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota "
            f"'{quota}' exceeded in region '{location}'. Limit: '{limit:g}', Usage: '{used:g}' "
            f"Requested: '{asked:g}'."
        )


class ServiceUnavailable(arm.Conflict):
    """The machine cannot hold it. Not 503: that invites clients to try at once again."""

    code = "ServiceUnavailable"

    def __init__(self, location: str, asked: str) -> None:
        super().__init__(
            f"The requested resource is not available in the location '{location}' at this "
            "moment. Please retry with a different resource request or in another location. "
            f"Resource requested: {asked}"
        )


class ContainerEngineUnavailable(arm.Conflict):
    """No containers run here, and why."""

    code = "ContainerEngineUnavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This instance cannot run container groups: {reason}")


class InaccessibleImage(arm.ArmError):
    """The registry does not give the image to this group."""

    code = "InaccessibleImage"

    def __init__(self, image: str, group: str) -> None:
        super().__init__(
            f"The image '{image}' in container group '{group}' is not accessible. Please check "
            "the image and registry credential."
        )


class ContainerGroupFailed(arm.ArmError):
    """The group never came to run."""

    code = "ContainerGroupDeploymentFailed"


class ContainerNotFound(arm.ArmError):
    """The group has no such container."""

    status = 404
    code = "ResourceNotFound"

    def __init__(self, container: str, group: str) -> None:
        super().__init__(f"The container '{container}' was not found in container group '{group}'.")


class ContainerNotRunning(arm.Conflict):
    """Nothing can be run in, or heard from, what does not run."""

    code = "ContainerNotRunning"

    def __init__(self, container: str, group: str) -> None:
        super().__init__(
            f"The container '{container}' in container group '{group}' is not in Running state."
        )


class ContainerGroupStopped(arm.Conflict):
    """The group is stopped."""

    code = "ContainerGroupStopped"

    def __init__(self, group: str) -> None:
        super().__init__(f"The container group '{group}' is stopped; start it first.")
