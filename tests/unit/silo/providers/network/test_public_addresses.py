import pytest

from .network_world import NETWORK, NetworkWorld

STATIC = {"publicIPAllocationMethod": "Static", "idleTimeoutInMinutes": 4}
STANDARD = {"name": "Standard"}


@pytest.fixture
async def world(tmp_path):
    made = NetworkWorld(tmp_path)
    await made.make_group()
    yield made
    made.store.close()


def path(name):
    return f"{NETWORK}/publicIPAddresses/{name}"


async def test_a_static_address_is_of_the_pool_and_stays(world):
    status, _, body = await world.put(path("one"), STATIC, sku=STANDARD)
    _, _, again = await world.put(path("one"), STATIC, sku=STANDARD)

    assert status == 201
    assert body["properties"]["ipAddress"] == "10.77.128.1"
    assert again["properties"]["ipAddress"] == "10.77.128.1"
    assert body["sku"] == {"name": "Standard", "tier": "Regional"}


async def test_addresses_end_and_come_back(world):
    for name in ("one", "two"):
        assert (await world.put(path(name), STATIC, sku=STANDARD))[0] == 201

    status, _, body = await world.put(path("three"), STATIC, sku=STANDARD)
    assert (status, body["error"]["code"]) == (409, "PublicIPAddressPoolExhausted")
    await world.delete(path("one"))
    assert (await world.put(path("three"), STATIC, sku=STANDARD))[0] == 201


async def test_a_dynamic_address_comes_with_its_use(world):
    _, _, body = await world.put(path("one"), {"publicIPAllocationMethod": "Dynamic"})

    assert "ipAddress" not in body["properties"]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({**STATIC, "publicIPAddressVersion": "IPv6"}, "NotSupported"),
        ({**STATIC, "dnsSettings": {"domainNameLabel": "x"}}, "NotSupported"),
        ({"publicIPAllocationMethod": "Dynamic"}, "InvalidParameter"),
        ({**STATIC, "idleTimeoutInMinutes": 99}, "InvalidRequestContent"),
    ],
)
async def test_what_cannot_be_is_refused(world, properties, code):
    status, _, body = await world.put(path("one"), properties, sku=STANDARD)

    assert (status, body["error"]["code"]) == (400, code)
