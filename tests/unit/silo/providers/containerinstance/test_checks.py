import pytest

from .group_world import make_container

PORT = [{"port": 80}]
PUBLIC = {"type": "Public", "ports": PORT}
WEB_80 = [make_container(ports=PORT)]

REFUSED = [
    ({"osType": None}, "InvalidOsType"),
    ({"restartPolicy": "Sometimes"}, "InvalidContainerGroup"),
    ({"sku": "Confidential"}, "FeatureNotSupported"),
    ({"sku": "Dedicated"}, "FeatureNotSupported"),
    ({"priority": "Low"}, "InvalidContainerGroup"),
    ({"containers": []}, "MissingContainers"),
    ({"containers": [make_container()] * 61}, "TooManyContainers"),
    ({"containers": [make_container("Web_1")]}, "InvalidContainerName"),
    ({"containers": [make_container(), make_container()]}, "DuplicateContainerName"),
    ({"containers": [make_container(image=None)]}, "MissingImage"),
    ({"containers": [make_container(image="-x y")]}, "InvalidImageName"),
    ({"containers": [make_container(command=[""])]}, "InvalidCommand"),
    ({"containers": [make_container(resources=None)]}, "ResourceRequestsNotSpecified"),
    (
        {"containers": [make_container(resources={"requests": {"cpu": 0, "memoryInGB": 1}})]},
        "InvalidResourceRequest",
    ),
    (
        {
            "containers": [
                make_container(
                    resources={
                        "requests": {"cpu": 1, "memoryInGB": 1},
                        "limits": {"cpu": 0.5},
                    }
                )
            ]
        },
        "InvalidResourceRequest",
    ),
    ({"containers": [make_container(ports=[{"port": 0}])]}, "InvalidContainerPort"),
    (
        {"containers": [make_container(ports=PORT), make_container("log", ports=PORT)]},
        "DuplicateContainerPorts",
    ),
    (
        {"containers": [make_container(environmentVariables=[{"name": "A-B", "value": ""}])]},
        "InvalidContainerEnvironmentVariable",
    ),
    (
        {"containers": [make_container(volumeMounts=[{"name": "gone", "mountPath": "/x"}])]},
        "InvalidVolumeMount",
    ),
    ({"volumes": [{"name": "data1"}]}, "InvalidVolume"),
    ({"volumes": [{"name": "a", "emptyDir": {}}]}, "InvalidVolume"),
    ({"volumes": [{"name": "data1", "secret": {"../x": "eA=="}}]}, "InvalidVolume"),
    ({"ipAddress": {"type": "Public"}}, "MissingIpAddressPorts"),
    ({"ipAddress": PUBLIC}, "InvalidIpAddressPorts"),
    (
        {"containers": WEB_80, "ipAddress": {"type": "Private", "ports": PORT}},
        "PrivateIPAddressNotSupported",
    ),
    (
        {"containers": WEB_80, "ipAddress": PUBLIC, "subnetIds": [{"id": "/x"}]},
        "InvalidIpAddressTypeForNetworkProfile",
    ),
    (
        {"containers": WEB_80, "ipAddress": {**PUBLIC, "dnsNameLabel": "-a"}},
        "InvalidDnsNameLabel",
    ),
    (
        {"containers": [make_container(securityContext={"privileged": True})]},
        "InvalidSecurityContext",
    ),
    (
        {"containers": [make_container(livenessProbe={"periodSeconds": 1})]},
        "InvalidProbe",
    ),
    (
        {"imageRegistryCredentials": [{"server": "https://x", "username": "u", "password": "p"}]},
        "InvalidImageRegistryCredential",
    ),
    (
        {"imageRegistryCredentials": [{"server": "x.azurecr.io", "username": "u"}]},
        "InvalidImageRegistryCredential",
    ),
    ({"dnsConfig": {"nameServers": ["nowhere"]}}, "InvalidContainerGroup"),
    ({"tags": {"silo-isolation": "none"}}, "InvalidContainerGroup"),
    ({"tags": {"silo-isolation": "hypervisor"}}, "FeatureNotSupported"),
    ({"initContainers": [make_container("init")]}, "InvalidContainerGroup"),
    ({"encryptionProperties": {"keyName": "k"}}, "FeatureNotSupported"),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
async def test_what_can_never_run_is_refused_with_azures_code(world, changes, code):
    status, _, body = await world.put(**changes)

    assert (status, body["error"]["code"]) == (400, code)


@pytest.mark.parametrize("path", ["/", "/proc/x", "relative", "/a/../b", "/a:b"])
async def test_mount_paths_of_the_system_are_refused(world, path):
    mounted = make_container(volumeMounts=[{"name": "data1", "mountPath": path}])

    status, _, body = await world.put(
        containers=[mounted], volumes=[{"name": "data1", "emptyDir": {}}]
    )

    assert (status, body["error"]["code"]) == (400, "InvalidVolumeMount")


async def test_the_words_are_azures_own(world):
    _, _, body = await world.put(containers=[make_container("pu_smas")])

    assert body["error"]["message"] == (
        "The container name 'pu_smas' in container group 'web' is invalid. The container name must "
        "contain no more than 63 characters and must match the regex "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?' (e.g. 'my-name')."
    )
