"""What a container group may be: every rule that needs the body alone, in Azure's words."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from silo import engine

from . import errors
from .checks_container import check_container
from .properties import Container, ContainerGroup, ImageRegistryCredential, IpAddress, Volume

T = TypeVar("T")

NAME = r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?"
ISOLATION_TAG = "silo-isolation"
"""The tag that chooses how far a group is kept from the machine."""
RESTART_POLICIES = tuple(engine.Restart)
SCOPES = ("Unsecure", "TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Noreuse")
"""Who may have a DNS label again after its group is gone."""
_CONTAINERS = 60
_VOLUMES = 20
_IP_PORTS = 5
_LABEL = re.compile(r"[a-z]([-a-z0-9]{3,61})[a-z0-9]")
_VOLUME = re.compile(r"(?=.{5,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])")
_FILE = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def check_group(group: str, wanted: ContainerGroup) -> None:
    """Refuse what can never run.

    Raises:
        InvalidContainerGroup: in Azure's code for the part that is wrong.

    """
    _check_platform(group, wanted)
    _check_unsupported(group, wanted)
    volumes = _check_volumes(group, wanted.volumes or ())
    _check_containers(group, wanted, volumes)
    _check_address(group, wanted)
    _check_credentials(group, wanted.image_registry_credentials or ())
    _check_dns(group, wanted)


def read_level(tags: Mapping[str, str], default: engine.Level) -> engine.Level:
    """Return the isolation level that the tags ask for."""
    found = {name.casefold(): value for name, value in tags.items()}.get(ISOLATION_TAG)
    if found is None:
        return default
    try:
        return engine.Level(found.casefold())
    except ValueError:
        raise errors.InvalidContainerGroup(
            f"The tag '{ISOLATION_TAG}' must be one of '{','.join(engine.Level)}'."
        ) from None


def _check_platform(group: str, wanted: ContainerGroup) -> None:
    os_type = (wanted.os_type or "").casefold()
    if os_type not in {"linux", "windows"}:
        raise errors.InvalidOsType(
            f"The 'osType' for container group '{group}' is invalid. "
            "The value must be one of 'Windows,Linux'."
        )
    policy = wanted.restart_policy
    if policy is not None and policy not in RESTART_POLICIES:
        raise errors.InvalidContainerGroup(
            f"The 'restartPolicy' for container group '{group}' is invalid. "
            f"The value must be one of '{','.join(RESTART_POLICIES)}'."
        )


def _check_unsupported(group: str, wanted: ContainerGroup) -> None:
    sku = (wanted.sku or "Standard").casefold()
    refused = [
        ("The sku 'Confidential'", sku == "confidential" or wanted.confidential_compute_properties),
        ("The sku 'Dedicated'", sku == "dedicated"),
        ("The property 'encryptionProperties'", wanted.encryption_properties),
        ("The property 'extensions'", wanted.extensions),
        ("The property 'containerGroupProfile'", wanted.container_group_profile),
        ("The property 'standbyPoolProfile'", wanted.standby_pool_profile),
    ]
    for what, asked in refused:
        if asked:
            raise errors.UnsupportedFeature(
                f"{what} of container group '{group}' is not supported in this location."
            )
    if sku not in {"standard", "notspecified"}:
        raise errors.InvalidContainerGroup(
            f"The 'sku' for container group '{group}' is invalid. "
            "The value must be one of 'NotSpecified,Standard,Dedicated,Confidential'."
        )
    if (wanted.priority or "Regular").casefold() not in {"regular", "spot"}:
        raise errors.InvalidContainerGroup(
            f"The 'priority' for container group '{group}' is invalid. "
            "The value must be one of 'Regular,Spot'."
        )


def _check_containers(group: str, wanted: ContainerGroup, volumes: set[str]) -> None:
    if not wanted.containers:
        raise errors.MissingContainers(f"The containers in container group '{group}' are missing.")
    every: tuple[Container, ...] = (*wanted.containers, *(wanted.init_containers or ()))
    if len(every) > _CONTAINERS:
        raise errors.TooManyContainers(
            f"The container group '{group}' has {len(every)} containers; the maximum is "
            f"{_CONTAINERS}."
        )
    for container in every:
        check_container(group, container, volumes, init=container not in wanted.containers)
    for name in _list_repeated(one.name for one in every):
        raise errors.DuplicateContainerName(
            f"The container name '{name}' is used more than once in container group '{group}'."
        )
    ports = [
        (port.protocol.upper(), port.port)
        for container in wanted.containers
        for port in container.properties.ports or ()
    ]
    for protocol, number in _list_repeated(ports):
        raise errors.DuplicateContainerPorts(
            f"Duplicate ports '{number}' with protocol '{protocol}' found in container group "
            f"'{group}'. The containers of a group share one network."
        )


def _check_volumes(group: str, volumes: Iterable[Volume]) -> set[str]:
    names = [volume.name for volume in volumes]
    if len(names) > _VOLUMES:
        raise errors.InvalidVolume(
            f"The container group '{group}' has {len(names)} volumes; the maximum is {_VOLUMES}."
        )
    for name in _list_repeated(names):
        raise errors.InvalidVolume(
            f"The volume name '{name}' is used more than once in container group '{group}'."
        )
    for volume in volumes:
        _check_volume(group, volume)
    return set(names)


def _check_volume(group: str, volume: Volume) -> None:
    where = f"The volume '{volume.name[:100]}' in container group '{group}'"
    if _VOLUME.fullmatch(volume.name) is None or "--" in volume.name:
        raise errors.InvalidVolume(
            f"{where} has an invalid name. It must have 5 to 63 lowercase letters, numbers or "
            "hyphens, no two hyphens in a row, and neither start nor end with a hyphen."
        )
    if volume.secret_reference is not None:
        raise errors.UnsupportedFeature(f"{where} uses 'secretReference', which is not supported.")
    sources = (volume.azure_file, volume.empty_dir, volume.secret, volume.git_repo)
    if sum(source is not None for source in sources) != 1:
        raise errors.InvalidVolume(
            f"{where} is invalid: exactly one of 'azureFile,emptyDir,secret,gitRepo' is required."
        )
    for name in volume.secret or ():
        if _FILE.fullmatch(name) is None or name in {".", ".."}:
            raise errors.InvalidVolume(f"{where} has a secret with an invalid name.")


def _check_address(group: str, wanted: ContainerGroup) -> None:
    address, subnets = wanted.ip_address, wanted.subnet_ids or ()
    if len(subnets) > 1:
        raise errors.InvalidSubnet(f"The container group '{group}' can be in one subnet only.")
    if address is None:
        return
    kind = address.type.casefold()
    if kind not in {"public", "private"}:
        raise errors.InvalidContainerGroup(
            f"The 'type' in the 'ipAddress' of container group '{group}' is invalid. "
            "The value must be one of 'Public,Private'."
        )
    if kind == "private" and not subnets:
        raise errors.PrivateIpAddressNotSupported(
            f"IP Address type in container group '{group}' is invalid. Private IP address is "
            "only supported when network profile is defined."
        )
    if kind == "public" and subnets:
        raise errors.InvalidIpAddressTypeForNetworkProfile(
            "IP Address type can't be public when network profile is set."
        )
    _check_address_ports(group, wanted, address)
    _check_label(group, address)


def _check_address_ports(group: str, wanted: ContainerGroup, address: IpAddress) -> None:
    if not address.ports:
        raise errors.MissingIpAddressPorts(
            f"The ports in the 'ipAddress' of container group '{group}' cannot be empty."
        )
    listed = [(port.protocol.upper(), port.port) for port in address.ports]
    for protocol, number in _list_repeated(listed):
        raise errors.DuplicateContainerPorts(
            f"Duplicate ports '{number}' with protocol '{protocol}' found in the 'ipAddress' of "
            f"container group '{group}'."
        )
    open_ = {
        (port.protocol.upper(), port.port)
        for container in wanted.containers
        for port in container.properties.ports or ()
    }
    for protocol, number in listed:
        if (protocol, number) not in open_:
            raise errors.InvalidIpAddressPorts(
                f"The port '{number}' with protocol '{protocol}' in the 'ipAddress' of container "
                f"group '{group}' is not exposed by any of its containers."
            )


def _check_label(group: str, address: IpAddress) -> None:
    label, scope = address.dns_name_label, address.auto_generated_domain_name_label_scope
    if scope is not None and scope.casefold() not in {one.casefold() for one in SCOPES}:
        raise errors.InvalidDnsNameLabel(
            f"The 'autoGeneratedDomainNameLabelScope' for container group '{group}' is invalid. "
            f"The value must be one of '{','.join(SCOPES)}'."
        )
    if label is None:
        return
    if _LABEL.fullmatch(label) is None:
        raise errors.InvalidDnsNameLabel(
            f"The DNS name label '{label[:100]}' in container group '{group}' is invalid. It can "
            "contain only lowercase letters, numbers and hyphens. The first character must be a "
            "letter. The last character must be a letter or number. The value must be between 5 "
            "and 63 characters long."
        )
    if address.type.casefold() == "private":
        raise errors.InvalidDnsNameLabel(
            f"The DNS name label in container group '{group}' is invalid: a private IP address "
            "has none."
        )


def _check_credentials(group: str, credentials: Iterable[ImageRegistryCredential]) -> None:
    where = f"'imageRegistryCredentials' of container group '{group}'"
    for one in credentials:
        if one.password_reference or one.identity_url:
            raise errors.UnsupportedFeature(
                f"References to a vault in {where} are not supported; give a password or identity."
            )
        if not one.server or "/" in one.server or one.server != one.server.strip():
            raise errors.InvalidImageRegistryCredential(
                f"The 'server' in the {where} is invalid. It is a host name, without 'https://'."
            )
        if one.identity is None and not one.username:
            raise errors.InvalidImageRegistryCredential(
                f"The 'username' or 'identity' in the {where} cannot be empty."
            )
        if one.identity is None and one.password is None:
            raise errors.InvalidImageRegistryCredential(
                f"The 'password' in the {where} cannot be empty."
            )
    for server in _list_repeated(one.server.casefold() for one in credentials):
        raise errors.DuplicateImageRegistryCredentials(
            f"The server '{server}' is named more than once in the {where}."
        )


def _check_dns(group: str, wanted: ContainerGroup) -> None:
    if wanted.dns_config is None:
        return
    if not wanted.dns_config.name_servers:
        raise errors.InvalidContainerGroup(
            f"The 'nameServers' in the 'dnsConfig' of container group '{group}' cannot be empty."
        )
    for server in wanted.dns_config.name_servers:
        try:
            ipaddress.ip_address(server)
        except ValueError:
            raise errors.InvalidContainerGroup(
                f"The name server '{server[:100]}' in the 'dnsConfig' of container group "
                f"'{group}' is not an IP address."
            ) from None


def _list_repeated(items: Iterable[T]) -> list[T]:
    return [item for item, count in Counter(items).items() if count > 1]
