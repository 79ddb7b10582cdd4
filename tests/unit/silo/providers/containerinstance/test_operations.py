import asyncio
import json

import pytest
from tests.unit.silo.arm.world import SUBSCRIPTION, VERSION

from silo import engine, identity

from .group_world import WEB, make_body, make_container

LABELLED = {
    "containers": [make_container(ports=[{"port": 80}])],
    "ipAddress": {"type": "Public", "ports": [{"port": 80}], "dnsNameLabel": "label1"},
}
LOCATION = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerInstance/locations/westeurope"
)


async def test_a_group_is_provisioned_once_it_runs_and_shows_what_the_engine_saw(world):
    async with world.running():
        status, headers, body = await world.put()
        assert (status, body["properties"]["provisioningState"]) == (201, "Creating")
        assert "azure-asyncoperation" in headers

        shown = (await world.wait_state())["properties"]

    assert shown["instanceView"]["state"] == "Running"
    assert shown["instanceView"]["isolation"] == "sandbox"
    seen = shown["containers"][0]["properties"]["instanceView"]
    assert seen["currentState"]["state"] == "Running"
    assert [event["name"] for event in seen["events"]] == ["Pulling", "Pulled", "Started"]
    assert "silo" not in shown
    assert (shown["restartPolicy"], shown["sku"]) == ("Always", "Standard")


async def test_without_an_engine_a_group_is_refused_with_the_reason(world):
    world.reason = "it needs root."

    status, _, body = await world.put()

    assert (status, body["error"]["code"]) == (409, "ContainerEngineUnavailable")
    assert "it needs root" in body["error"]["message"]
    assert (await world.ask("GET", WEB))[0] == 404


async def test_secrets_are_never_shown_nor_stored_in_the_clear_and_reach_the_program(world):
    variables = [{"name": "A", "value": "b"}, {"name": "S", "secureValue": "hunter2"}]
    async with world.running():
        _, _, made = await world.put(
            containers=[make_container(environmentVariables=variables)],
            volumes=[{"name": "secret1", "secret": {"file": "aHVudGVyMg=="}}],
            imageRegistryCredentials=[
                {"server": "one.azurecr.io", "username": "u", "password": "hunter2"}
            ],
            diagnostics={"logAnalytics": {"workspaceId": "w", "workspaceKey": "hunter2"}},
        )
        await world.wait_state()
        planned = await world.plans()

    stored = world.store.read_now(
        lambda conn: conn.exec_driver_sql("SELECT document FROM arm_resources").fetchall()
    )
    shown = made["properties"]
    assert shown["containers"][0]["properties"]["environmentVariables"] == [
        {"name": "A", "value": "b"},
        {"name": "S"},
    ]
    assert shown["volumes"] == [{"name": "secret1", "secret": {}}]
    for text in (json.dumps(made), str(stored)):
        assert "hunter2" not in text
        assert "aHVudGVyMg" not in text
    assert planned[0].plan.containers[0].secrets == (("S", "hunter2"),)
    assert planned[0].plan.volumes[0].source.files == {"file": b"hunter2"}
    assert await planned[0].credentials("one.azurecr.io/x:1") == engine.Basic("u", "hunter2")
    assert await planned[0].credentials("two.azurecr.io/x:1") is None


async def test_a_put_of_the_same_leaves_the_containers_alone_and_of_another_replaces_them(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        await world.put()
        await world.wait_state()
        assert world.machine.done.count(("start", "web")) == 1

        await world.put(containers=[make_container(command=["sleep", "2"])])
        await world.wait_state()
        assert world.machine.done.count(("start", "web")) == 2


async def test_what_azure_fixes_at_creation_cannot_be_changed_while_it_runs(world):
    big = make_container(resources={"requests": {"cpu": 1, "memoryInGB": 1}})
    async with world.running():
        await world.put()
        await world.wait_state()
        for change in ({"restartPolicy": "Never"}, {"containers": [big]}):
            status, _, body = await world.put(**change)
            assert (status, body["error"]["code"]) == (400, "InvalidContainerGroupUpdate")

        assert (await world.act("stop"))[0] == 204
        assert (await world.put(containers=[big]))[0] == 200


async def test_a_patch_changes_tags_and_restarts_nothing(world):
    async with world.running():
        await world.put(
            containers=[make_container(environmentVariables=[{"name": "S", "secureValue": "x"}])]
        )
        await world.wait_state()
        status, _, body = await world.ask("PATCH", WEB, {"tags": {"a": "b"}})
        assert (status, body["tags"]) == (200, {"a": "b"})
        await world.wait_state()
        assert world.machine.done.count(("start", "web")) == 1
        assert (await world.plans())[0].plan.containers[0].secrets == (("S", "x"),)

        status, _, _ = await world.ask("PATCH", WEB, {"properties": {"restartPolicy": "Never"}})
        assert status == 400


async def test_stop_start_and_restart_answer_when_it_is_done(world):
    async with world.running():
        await world.put()
        await world.wait_state()

        assert (await world.act("stop"))[0] == 204
        assert world.machine.containers == {}
        assert (await world.wait_state())["properties"]["instanceView"]["state"] == "Stopped"
        assert (await world.act("restart"))[0] == 409
        status, headers, _ = await world.act("start")
        assert status == 202
        assert "azure-asyncoperation" in headers
        await world.wait_state()
        assert (await world.act("start"))[0] == 204
        assert (await world.act("restart"))[0] == 204

    assert world.machine.done.count(("start", "web")) == 3


async def test_an_image_that_cannot_be_had_fails_in_azures_words(world):
    world.machine.refused["busybox"] = engine.ImageInaccessible("busybox", "401")
    async with world.running():
        _, headers, _ = await world.put()
        await world.wait_state("Failed")
        place = headers["azure-asyncoperation"].partition(".test")[2]
        _, _, status = await world.ask("GET", place)

        assert status["error"] == {
            "code": "InaccessibleImage",
            "message": "The image 'busybox' in container group 'web' is not accessible. Please "
            "check the image and registry credential.",
        }
        del world.machine.refused["busybox"]
        await world.put()
        await world.wait_state()


async def test_a_deleted_group_gives_everything_back(world):
    async with world.running():
        await world.put(**LABELLED)
        await world.wait_state()
        assert (await world.ask("DELETE", WEB))[0] == 202
        while (await world.ask("GET", WEB))[0] != 404:
            await asyncio.sleep(0.01)

    assert world.machine.containers == {}
    assert world.leases.held == {}
    assert (await world.put(f"{WEB}2", **LABELLED))[0] == 201


async def test_a_label_belongs_to_one_group_and_leads_to_its_address(world):
    fqdn = "label1.westeurope.azurecontainer.silo.test"
    async with world.running():
        await world.put(**LABELLED)
        address = (await world.wait_state())["properties"]["ipAddress"]
        status, _, body = await world.put(f"{WEB}2", **LABELLED)

        assert (address["fqdn"], address["ip"]) == (fqdn, "10.9.0.4")
        assert (status, body["error"]["code"]) == (409, "DnsNameLabelNotAvailable")
        assert world.store.read_now(lambda conn: engine.resolve_name(conn, fqdn)) == "10.9.0.4"


async def test_labels_of_reuse_scopes_carry_a_hash(world):
    wanted = {
        **LABELLED,
        "ipAddress": {
            **LABELLED["ipAddress"],
            "autoGeneratedDomainNameLabelScope": "ResourceGroupReuse",
        },
    }

    _, _, one = await world.put(**wanted)

    label, digest, region, *_ = one["properties"]["ipAddress"]["fqdn"].split(".")
    assert (label, len(digest), region) == ("label1", 16, "westeurope")


async def test_parts_that_are_not_there_are_refused_and_not_pretended(world):
    share = {"shareName": "s", "storageAccountName": "a", "storageAccountKey": "k"}

    _, _, volumes = await world.put(volumes=[{"name": "share1", "azureFile": share}])
    _, _, subnets = await world.put(subnetIds=[{"id": "/subscriptions/x"}])

    assert volumes["error"]["code"] == subnets["error"]["code"] == "FeatureNotSupported"


async def test_logs_are_of_the_program_that_runs_with_tail_and_timestamps(world):
    await world.put()
    logs = f"{WEB}/containers/web/logs?api-version={VERSION}"
    assert (await world.ask("GET", logs))[2] == {"content": ""}

    async with world.running():
        uid = (await world.plans())[0].plan.uid
        await world.wait_state()
        assert (await world.ask("GET", logs))[2] == {"content": "web None False"}
        first = world.log_start
        world.machine.end(uid, "web", 1)
        while world.log_start == first:
            await world.ask("GET", logs)
            await asyncio.sleep(0.01)

    assert world.log_start > first
    assert (await world.ask("GET", f"{logs}&tail=5&timestamps=true"))[2] == {
        "content": "web 5 True"
    }
    for wrong in ("-1", "0", "5000000", "٣", "00000001" + "0" * 5000):
        assert (await world.ask("GET", f"{logs}&tail={wrong}"))[0] == 400
    missing = await world.ask("GET", logs.replace("/web/logs", "/ghost/logs"))
    assert (missing[0], missing[2]["error"]["code"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("action", ["exec", "attach"])
async def test_a_container_that_runs_gives_a_ticket_to_it(world, action):
    size = {"terminalSize": {"rows": 24, "cols": 80}}
    body = {"command": "/bin/sh", **size} if action == "exec" else None
    await world.put()
    assert (await world.act(f"containers/web/{action}", body))[0] == 409

    async with world.running():
        await world.wait_state()
        status, _, ticket = await world.act(f"containers/web/{action}", body)

    assert status == 200
    assert ticket["webSocketUri"].startswith("wss://")
    assert ticket["password"]


async def test_a_reader_may_look_and_not_touch(world):
    await world.put()

    assert (await world.ask("GET", WEB, who="reader"))[0] == 200
    for action in ("start", "stop", "restart", "containers/web/exec", "containers/web/attach"):
        status, _, _ = await world.ask("POST", f"{WEB}/{action}", {}, who="reader")
        assert status == 403


async def test_a_location_tells_quota_and_the_largest_group(world):
    await world.put()

    _, _, usages = await world.ask("GET", f"{LOCATION}/usages")
    _, _, most = await world.ask("GET", f"{LOCATION}/capabilities")

    by_name = {one["name"]["value"]: one["currentValue"] for one in usages["value"]}
    assert by_name == {"ContainerGroups": 1, "StandardCores": 1}
    assert most["value"][0]["capabilities"] == {
        "maxMemoryInGB": 16.0,
        "maxCpu": 4.0,
        "maxGpuCount": 0,
    }


async def test_what_was_read_can_be_written_back(world):
    async with world.running():
        await world.put(**LABELLED)
        body = await world.wait_state()
        status, _, _ = await world.ask("PUT", WEB, body)
        assert status == 200
        await world.wait_state()

    assert world.machine.done.count(("start", "web")) == 1


async def test_a_system_assigned_identity_lives_as_long_as_its_group(world):
    _, _, made = await world.ask(
        "PUT", WEB, {**make_body(), "identity": {"type": "SystemAssigned"}}
    )

    principal = made["identity"]["principalId"]

    def find(conn):
        return identity.find_service_principal(conn, principal)

    assert world.store.read_now(find) is not None
    async with world.running():
        await world.wait_state()
        await world.ask("DELETE", WEB)
        while (await world.ask("GET", WEB))[0] != 404:
            await asyncio.sleep(0.01)
    assert world.store.read_now(find) is None
