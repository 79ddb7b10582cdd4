"""Microsoft's own library asks for tokens inside a group's network, and gets that group's alone."""

import asyncio
import json
import os
import secrets
import sys
import textwrap
from ipaddress import IPv4Network

import pytest
from tests.unit.silo.workload.site_world import no_nodes, open_site

from silo import core, engine, identity, workload

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
SCOPE = "https://management.azure.com/.default"
PROGRAM = textwrap.dedent("""
    import json, sys
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ManagedIdentityCredential
    options = json.loads(sys.argv[1])
    try:
        token = ManagedIdentityCredential(**options).get_token(sys.argv[2])
        print(json.dumps({"token": token.token}))
    except ClientAuthenticationError as error:
        print(json.dumps({"error": str(error)}))
""")


@pytest.fixture
def pools():
    taken = engine.list_taken()
    for number in range(150, 200):
        network = IPv4Network(f"10.{number}.0.0/16")
        if not any(network.overlaps(other) for other in taken):
            low, high = network.subnets()
            return engine.split_pools(str(low), str(high))
    raise AssertionError("no free pool")


@pytest.fixture
async def networks(tmp_path, pools):
    doors = engine.Doors("127.0.0.1", 18443)
    made = engine.Networks(secrets.token_hex(6), pools, doors, tmp_path)
    await made.start()
    yield made
    await made.sweep(())
    await made.stop()
    await made.close()


@pytest.fixture
def site(tmp_path):
    yield from open_site(tmp_path, tmp_path / "keys", core.SystemClock())


@pytest.fixture
def service(site):
    return workload.MetadataService(site.issuer, site.resources, b"k" * 32, no_nodes)


@pytest.fixture
async def metadata(networks, service):
    made = engine.Metadata(networks.open_socket, service.answer)
    yield made
    await made.close_all()


async def ask(attachment, options, variables=()):
    """Run a program with azure-identity in the group's network."""
    command = ("nsenter", f"--net={attachment.netns_path}", sys.executable, "-c", PROGRAM)
    process = await asyncio.create_subprocess_exec(
        *command,
        json.dumps(options),
        SCOPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **dict(variables)},
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return json.loads(out)


def verify(site, answer):
    token = answer["token"]
    return identity.Verifier(site.issuer).verify_bearer(token, identity.ARM_AUDIENCES).object_id


async def test_a_group_gets_its_own_identities_tokens(site, service, metadata, networks):
    pytest.importorskip("azure.identity")
    own, user = site.add_own_identity(), site.add_user_identity("user")
    uid = site.resource.uid
    attachment = await networks.attach(uid, engine.NetworkPlan())
    await metadata.open(uid)

    plain = await ask(attachment, {})
    chosen = await ask(attachment, {"client_id": user.client_id})
    other = await ask(attachment, {"client_id": site.issuer.tenant.id})
    app_service = await ask(attachment, {}, service.render_environment(uid))

    assert verify(site, plain) == own.object_id
    assert verify(site, chosen) == user.object_id
    assert "Identity not found" in other["error"]
    assert verify(site, app_service) == own.object_id
    records = site.list_sign_ins()
    assert {record["ipAddress"] for record in records} == {attachment.address}
    assert len(records) == 3


async def test_the_service_comes_back_after_a_restart(site, service, metadata, networks):
    pytest.importorskip("azure.identity")
    own, uid = site.add_own_identity(), site.resource.uid
    attachment = await networks.attach(uid, engine.NetworkPlan())
    await metadata.open(uid)
    await metadata.close_all()

    again = engine.Metadata(networks.open_socket, service.answer)
    await again.open(uid)

    assert verify(site, await ask(attachment, {})) == own.object_id
    await again.close_all()


async def test_a_neighbour_cannot_speak_for_the_group(site, metadata, networks):
    pytest.importorskip("azure.identity")
    own = site.add_own_identity()
    await networks.attach(site.resource.uid, engine.NetworkPlan())
    neighbour = await networks.attach("neighbour", engine.NetworkPlan())
    await metadata.open(site.resource.uid)
    await metadata.open("neighbour")

    answer = await ask(neighbour, {"client_id": own.client_id})

    assert "token" not in answer
    assert site.list_sign_ins() == []
