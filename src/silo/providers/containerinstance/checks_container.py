"""What one container may be, in Azure's words."""

import base64
import binascii
import json
import posixpath
import re
from collections.abc import Iterable

from . import errors
from .properties import (
    Container,
    ContainerPort,
    ContainerProbe,
    ContainerProperties,
    EnvironmentVariable,
    ResourceAmount,
    SecurityContext,
)

MIN_CPU, MIN_MEMORY_GB = 0.01, 0.1
"""Azure's smallest steps."""
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_IMAGE = re.compile(
    r"(?=.{1,512}$)([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_RESERVED = frozenset({"/", "/proc", "/sys", "/dev", "/etc/hosts", "/etc/resolv.conf"})


def check_container(group: str, container: Container, volumes: set[str], *, init: bool) -> None:
    """Refuse a container that can never run."""
    name, wanted = container.name, container.properties
    if _NAME.fullmatch(name) is None:
        raise errors.InvalidContainerName(
            f"The container name '{name[:100]}' in container group '{group}' is invalid. The "
            "container name must contain no more than 63 characters and must match the regex "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?' (e.g. 'my-name')."
        )
    where = f"container '{name}' of container group '{group}'"
    _check_program(where, wanted)
    _check_ports(where, wanted.ports or ())
    _check_environment(where, wanted.environment_variables or ())
    if init:
        _check_init(where, wanted)
    else:
        _check_resources(group, name, wanted)
    _check_mounts(where, wanted, volumes)
    for probe in (wanted.liveness_probe, wanted.readiness_probe):
        if probe is not None:
            _check_probe(where, probe)
    if wanted.security_context is not None:
        _check_security(where, wanted.security_context)


def _check_program(where: str, wanted: ContainerProperties) -> None:
    if not wanted.image:
        raise errors.MissingImage(f"The image in {where} is missing.")
    if _IMAGE.fullmatch(wanted.image) is None:
        raise errors.InvalidImageName(
            f"The image name '{wanted.image[:200]}' in {where} is invalid."
        )
    if wanted.command and not wanted.command[0]:
        raise errors.InvalidCommand(f"The command in {where} must begin with a program.")


def _check_init(where: str, wanted: ContainerProperties) -> None:
    refused = {
        "ports": wanted.ports,
        "resources": wanted.resources,
        "livenessProbe": wanted.liveness_probe,
        "readinessProbe": wanted.readiness_probe,
    }
    for name, asked in refused.items():
        if asked:
            raise errors.InvalidContainerGroup(
                f"The property '{name}' in {where} is not allowed: it is an init container."
            )


def _check_ports(where: str, ports: Iterable[ContainerPort]) -> None:
    for one in ports:
        if not 1 <= one.port <= 65535:  # noqa: PLR2004 - RFC 6335 section 6
            raise errors.InvalidContainerPort(
                f"The port '{one.port}' in {where} is invalid. "
                "The port must be between 1 and 65535."
            )
        if one.protocol.upper() not in {"TCP", "UDP"}:
            raise errors.InvalidContainerPort(
                f"The protocol '{one.protocol[:20]}' of port '{one.port}' in {where} is invalid. "
                "The value must be one of 'TCP,UDP'."
            )


def _check_environment(where: str, variables: Iterable[EnvironmentVariable]) -> None:
    seen = set()
    for one in variables:
        if _VARIABLE.fullmatch(one.name) is None:
            raise errors.InvalidContainerEnvironmentVariable(
                f"The environment variable name in {where} is invalid. A valid environment "
                "variable name must start with alphabetic character or '_', followed by a string "
                "of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName')."
            )
        if one.secure_value_reference is not None:
            raise errors.UnsupportedFeature(
                f"The environment variable '{one.name}' in {where} uses 'secureValueReference', "
                "which is not supported."
            )
        if one.value is not None and one.secure_value is not None:
            raise errors.InvalidContainerEnvironmentVariable(
                f"The environment variable '{one.name}' in {where} has both a value and a secure "
                "value."
            )
        if one.name in seen:
            raise errors.InvalidContainerEnvironmentVariable(
                f"The environment variable '{one.name}' in {where} is given more than once."
            )
        seen.add(one.name)


def _check_resources(group: str, name: str, wanted: ContainerProperties) -> None:
    requests = wanted.resources.requests if wanted.resources else None
    if requests is None or requests.cpu is None or requests.memory_in_gb is None:
        raise errors.ResourceRequestsNotSpecified(
            f"The resource requests are not specified in container '{name}' of contain group "
            f"'{group}'. Both memory and CPU requests are required since API version "
            "'2017-07-01-preview'."
        )
    limits = wanted.resources.limits if wanted.resources else None
    where = f"container '{name}' of container group '{group}'"
    for kind, amount in (("requests", requests), ("limits", limits)):
        if amount is not None:
            _check_amount(where, kind, amount)
    if limits is None:
        return
    for word, asked, most in (
        ("cpu", requests.cpu, limits.cpu),
        ("memoryInGB", requests.memory_in_gb, limits.memory_in_gb),
    ):
        if most is not None and most < asked:
            raise errors.InvalidResourceRequest(
                f"The limit '{most:g}' of '{word}' in {where} is below its request '{asked:g}'."
            )


def _check_amount(where: str, kind: str, amount: ResourceAmount) -> None:
    for word, value, least in (
        ("cpu", amount.cpu, MIN_CPU),
        ("memoryInGB", amount.memory_in_gb, MIN_MEMORY_GB),
    ):
        if value is not None and not least <= value < float("inf"):
            raise errors.InvalidResourceRequest(
                f"The '{word}' in the resource {kind} of {where} is invalid. "
                f"The value must be at least '{least:g}'."
            )


def _check_mounts(where: str, wanted: ContainerProperties, volumes: set[str]) -> None:
    seen = set()
    for mount in wanted.volume_mounts or ():
        if mount.name not in volumes:
            raise errors.InvalidVolumeMount(
                f"The volume mount '{mount.name[:100]}' in {where} names no volume of the group."
            )
        path = posixpath.normpath(mount.mount_path)
        plain = mount.mount_path.startswith("/") and ".." not in mount.mount_path.split("/")
        if not plain or ":" in path or path in _RESERVED or path.startswith(("/proc/", "/sys/")):
            raise errors.InvalidVolumeMount(
                f"The mount path '{mount.mount_path[:200]}' in {where} is invalid. It must be "
                "absolute, without ':' and '..', and not one of the system's own."
            )
        if path in seen:
            raise errors.InvalidVolumeMount(
                f"The mount path '{path[:200]}' in {where} is used more than once."
            )
        seen.add(path)


def _check_probe(where: str, probe: ContainerProbe) -> None:
    if (probe.exec_ is None) == (probe.http_get is None):
        raise errors.InvalidProbe(
            f"The probe in {where} is invalid: exactly one of 'exec,httpGet' is required."
        )
    if probe.exec_ is not None and not (probe.exec_.command and probe.exec_.command[0]):
        raise errors.InvalidProbe(f"The command of the probe in {where} is missing.")
    http = probe.http_get
    if http is None:
        return
    if not 1 <= http.port <= 65535:  # noqa: PLR2004 - RFC 6335 section 6
        raise errors.InvalidProbe(f"The port of the probe in {where} is invalid.")
    if http.scheme.casefold() not in {"http", "https"}:
        raise errors.InvalidProbe(
            f"The scheme of the probe in {where} is invalid. The value must be one of 'http,https'."
        )
    texts = [http.path, *(part for one in http.http_headers for part in (one.name, one.value))]
    if any(ord(mark) < 32 or ord(mark) == 127 for text in texts for mark in text):  # noqa: PLR2004
        raise errors.InvalidProbe(f"The probe in {where} has control characters.")


def _check_security(where: str, context: SecurityContext) -> None:
    if context.privileged:
        raise errors.InvalidSecurityContext(
            f"The security context in {where} is invalid: 'privileged' containers are not allowed."
        )
    if context.seccomp_profile:
        try:
            profile = json.loads(base64.b64decode(context.seccomp_profile, validate=True))
        except (binascii.Error, ValueError, RecursionError):
            profile = None
        if not isinstance(profile, dict) or "defaultAction" not in profile:
            raise errors.InvalidSecurityContext(
                f"The 'seccompProfile' in {where} is invalid: it is the base64 of a JSON profile."
            )
