"""Groups of several containers from YAML files, and the volumes that they share."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools.azure import Az
from tools.containers import ContainerGroup, Image, containers

RESOURCES = {"requests": {"cpu": 0.2, "memoryInGB": 0.2}}
Deploy = Callable[..., ContainerGroup]


@pytest.fixture(scope="module")
def deploy(
    az: Az,
    containers_group: str,
    probe_image: Image,
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """Make a group from a file, JSON being YAML too."""
    made: list[ContainerGroup] = []

    def container(name: str, command: list[str], **more: Any) -> dict[str, Any]:
        properties = {"image": probe_image.reference, "command": command, "resources": RESOURCES}
        return {"name": name, "properties": {**properties, **more}}

    def make(commands: dict[str, list[str]], **properties: Any) -> ContainerGroup:
        one = ContainerGroup(az, containers_group, unique("yaml"))
        made.append(one)
        mounts = properties.pop("mounts", {})
        first = properties.pop("init", {})
        seen = {name: {"volumeMounts": found} for name, found in mounts.items()}
        document = {
            "apiVersion": "2023-05-01",
            "name": one.name,
            "location": "westeurope",
            "type": "Microsoft.ContainerInstance/containerGroups",
            "properties": {
                "osType": "Linux",
                "restartPolicy": "Never",
                "imageRegistryCredentials": probe_image.document,
                "containers": [
                    container(name, words, **seen.get(name, {})) for name, words in commands.items()
                ],
                "initContainers": [
                    {
                        "name": name,
                        "properties": {
                            "image": probe_image.reference,
                            "command": words,
                            **seen.get(name, {}),
                        },
                    }
                    for name, words in first.items()
                ],
                **properties,
            },
        }
        file = tmp_path_factory.mktemp("yaml") / "group.yaml"
        file.write_text(json.dumps(document))
        az("container", "create", "-g", containers_group, "-f", str(file))
        return one

    yield make
    for one in made:
        az.run("container", "delete", *one.names, "--yes")


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_init_containers_run_first_in_their_order_and_share_a_folder(deploy: Deploy) -> None:
    mounts = [{"name": "workdir", "mountPath": "/kept"}]
    group = deploy(
        {"reader": shell("/bin/busybox cat /kept/list"), "other": shell("/bin/busybox sleep 1")},
        init={
            "one": shell("/bin/busybox sleep 1; echo one >> /kept/list"),
            "two": shell("echo two >> /kept/list"),
        },
        volumes=[{"name": "workdir", "emptyDir": {}}],
        mounts=dict.fromkeys(("one", "two", "reader"), mounts),
    )

    group.wait("Succeeded")

    assert group.logs("reader").split() == ["one", "two"]


def test_an_init_container_that_fails_keeps_the_others_from_starting(deploy: Deploy) -> None:
    group = deploy({"never": shell("echo started")}, init={"wrong": shell("exit 4")})

    shown = group.wait("Failed")

    first = shown["initContainers"][0]["instanceView"]
    assert first["currentState"]["exitCode"] == 4
    assert "started" not in group.logs("never")


def test_containers_of_a_group_share_localhost_and_nothing_of_their_processes(
    deploy: Deploy,
) -> None:
    group = deploy(
        {
            "server": ["/bin/probe", "http", "8081"],
            "client": shell(
                "while ! /bin/probe ask http://127.0.0.1:8081/hi > /tmp/a || "
                "! /bin/busybox grep -q '\"status\":200' /tmp/a; do /bin/busybox sleep 0.2; done; "
                "/bin/busybox cat /tmp/a; /bin/probe facts; /bin/probe sleep"
            ),
        },
    )
    group.wait("Running")

    facts = group.probe("facts", "client")

    assert "http 8081" not in json.dumps(facts["processes"])
    assert '"path": "/hi"' in group.logs("client").replace('":"', '": "') or "/hi" in group.logs(
        "client"
    )


def test_a_secret_volume_holds_files_of_its_own(deploy: Deploy) -> None:
    files = {"word": base64.b64encode(b"open sesame").decode(), "bytes": "AAEC"}
    group = deploy(
        {
            "reader": shell(
                "/bin/busybox cat /secrets/word; echo; /bin/busybox wc -c < /secrets/bytes;"
                " echo no > /secrets/word || echo kept"
            )
        },
        volumes=[{"name": "hidden", "secret": files}],
        mounts={"reader": [{"name": "hidden", "mountPath": "/secrets", "readOnly": True}]},
    )

    shown = group.wait("Succeeded", "Failed")

    # What is said on two ways at once comes in either order.
    said = group.logs().split("\n")
    assert [one for one in said if "Read-only" not in one][:3] == ["open sesame", "3", "kept"]
    assert files["word"] not in json.dumps(shown)


def test_a_share_outlives_its_groups_and_serves_two_at_once(
    az: Az, deploy: Deploy, containers_group: str, unique: Callable[[str], str], tmp_path: Path
) -> None:
    account = unique("shareacc")
    az("storage", "account", "create", "-g", containers_group, "-n", account)
    key = az("storage", "account", "keys", "list", "-g", containers_group, "-n", account)[0][
        "value"
    ]
    access = ["--account-name", account, "--account-key", key]
    az("storage", "share", "create", "-n", "both", *access)
    (tmp_path / "up").write_text("from outside")
    upload = ["storage", "file", "upload", "--share-name", "both", *access, "--no-progress"]
    az(*upload, "--source", str(tmp_path / "up"), "--path", "outside.txt")
    azure_file = {"shareName": "both", "storageAccountName": account, "storageAccountKey": key}

    def group(script: str, read_only: bool = False) -> ContainerGroup:
        return deploy(
            {"one": shell(script)},
            volumes=[{"name": "share", "azureFile": {**azure_file, "readOnly": read_only}}],
            mounts={"one": [{"name": "share", "mountPath": "/mnt", "readOnly": read_only}]},
        )

    writer = group("cat /mnt/outside.txt; echo; echo inside > /mnt/inside; /bin/probe sleep")
    reader = group(
        "while ! cat /mnt/inside; do /bin/busybox sleep 0.2; done;"
        " echo no > /mnt/inside || echo kept",
        read_only=True,
    )
    reader.wait("Succeeded")

    assert writer.logs().strip() == "from outside"
    assert key not in json.dumps(writer.show())
    assert {"inside", "kept"} <= set(reader.logs().split())
    writer.do("delete", "--yes")
    down = str(tmp_path / "down")
    download = ["storage", "file", "download", "--share-name", "both", *access, "--no-progress"]
    az(*download, "--path", "inside", "--dest", down)
    assert Path(down).read_text() == "inside\n"


def test_a_link_in_a_share_leads_nowhere_outside(
    az: Az, deploy: Deploy, containers_group: str, unique: Callable[[str], str], tmp_path: Path
) -> None:
    account, planted = unique("linkacc"), Path(f"/tmp/{unique('silo-planted')}.txt")
    az("storage", "account", "create", "-g", containers_group, "-n", account)
    key = az("storage", "account", "keys", "list", "-g", containers_group, "-n", account)[0][
        "value"
    ]
    access = ["--account-name", account, "--account-key", key]
    az("storage", "share", "create", "-n", "links", *access)
    group = deploy(
        {
            "one": shell(
                "cd /mnt; ln -s /etc/passwd file; ln -s / root; ln -s ../../../../../../.. up;"
                " /bin/busybox mkdir real; echo done"
            )
        },
        volumes=[
            {
                "name": "share",
                "azureFile": {
                    "shareName": "links",
                    "storageAccountName": account,
                    "storageAccountKey": key,
                },
            }
        ],
        mounts={"one": [{"name": "share", "mountPath": "/mnt"}]},
    )
    group.wait("Succeeded")
    assert group.logs().strip() == "done"
    where = ["--share-name", "links", *access]
    quiet = ["--no-progress"]
    (tmp_path / "up").write_text("planted")

    for number, path in enumerate(("file", "root/etc/passwd", "up/etc/passwd")):
        down = tmp_path / f"down{number}"
        az.run("storage", "file", "download", *where, *quiet, "--path", path, "--dest", str(down))
        assert not down.exists() or "root:" not in down.read_text()
    for path in (f"root{planted}", f"up{planted}"):
        upload = ["storage", "file", "upload", *where, *quiet, "--source", str(tmp_path / "up")]
        az.run(*upload, "--path", path)
        assert not planted.exists()
    listed = az.run("storage", "file", "list", *where, "--path", "root", "-o", "tsv")
    assert "etc" not in listed.out.split()
    assert Path("/etc/passwd").exists()


def test_a_wrong_storage_key_is_refused(
    az: Az, deploy: Deploy, containers_group: str, unique: Callable[[str], str]
) -> None:
    account = unique("otheracc")
    az("storage", "account", "create", "-g", containers_group, "-n", account)
    wrong = {"shareName": "x", "storageAccountName": account, "storageAccountKey": "d3Jvbmc="}

    with pytest.raises(AssertionError) as caught:
        deploy(
            {"one": shell("true")},
            volumes=[{"name": "share", "azureFile": wrong}],
            mounts={"one": [{"name": "share", "mountPath": "/mnt"}]},
        )

    assert "InternalServerError" not in str(caught.value)


def test_a_repository_is_cloned(deploy: Deploy, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(repository)]
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    for version in ("first", "second"):
        (repository / "file").write_text(version)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", version], check=True)
    told = subprocess.run([*git, "rev-parse", "HEAD~1"], check=True, capture_output=True, text=True)

    with pytest.raises(AssertionError) as caught:
        # The machine's own files are no repository that a group may have.
        deploy(
            {"one": shell("cat /git/r/file")},
            volumes=[
                {
                    "name": "git",
                    "gitRepo": {
                        "repository": f"file://{repository}",
                        "directory": "r",
                        "revision": told.stdout.strip(),
                    },
                }
            ],
            mounts={"one": [{"name": "git", "mountPath": "/git"}]},
        )

    assert "InternalServerError" not in str(caught.value)


def test_a_group_changes_in_place(deploy: Deploy, az: Az) -> None:
    group = deploy({"one": ["/bin/probe", "http", "8080"]})
    before = group.wait("Running")

    az("resource", "tag", "--ids", before["id"], "--tags", "a=1")
    after = group.wait("Running")

    assert after["tags"] == {"a": "1"}
    states = [
        containers(shown)["one"]["instanceView"]["currentState"]["startTime"]
        for shown in (before, after)
    ]
    assert states[0] == states[1]
