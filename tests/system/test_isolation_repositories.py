"""Repositories of groups come from where the group's containers reach, and nowhere else."""

import socketserver
import subprocess
import threading

import pytest
from tests.system.containers import Refused
from tools import images

NETWORK = "2024-07-01"
PORT = {"protocol": "TCP", "port": 80}
DELEGATION = {
    "name": "groups",
    "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"},
}


@pytest.fixture(scope="module")
def subnet(containers):
    inner = {"addressPrefix": "10.61.1.0/24", "delegations": [DELEGATION]}
    properties = {
        "addressSpace": {"addressPrefixes": ["10.61.0.0/16"]},
        "subnets": [{"name": "apps", "properties": inner}],
    }
    kind = "Microsoft.Network/virtualNetworks"
    return f"{containers.resource(kind, 'code', properties, NETWORK)}/subnets/apps"


@pytest.fixture(scope="module")
def server(containers, subnet, tmp_path_factory):
    """Run a server of repositories in the network, from an image; return its address."""
    folder = tmp_path_factory.mktemp("code")
    git = ["git", "-C", str(folder / "work"), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", "-b", "main", folder / "work"], check=True)
    (folder / "work" / "greeting").write_text("hello from the repository")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    bare = folder / "app.git"
    subprocess.run(["git", "clone", "-q", "--bare", folder / "work", bare], check=True)
    subprocess.run(["git", "-C", bare, "update-server-info"], check=True)
    entries = [
        images.Entry(f"srv/{path.relative_to(folder)}", path.read_bytes(), 0o644)
        for path in bare.rglob("*")
        if path.is_file() and "hooks" not in path.parts
    ]
    layers = [images.pack(images.probe_entries()), images.pack(entries)]
    layout = images.make_layered(folder / "image", "1", layers, {"Entrypoint": ["/bin/sh"]})
    reference = containers.push(layout, "tests/code")
    made = containers.make(
        "code",
        ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/srv"],
        level="process",
        subnetIds=[{"id": subnet}],
        ipAddress={"type": "Private", "ports": [PORT]},
        container={"image": reference, "ports": [PORT]},
    )
    containers.wait("code", "Running")
    return made["properties"]["ipAddress"]["ip"]


def read(containers, name, level, repository, **more):
    """Run a group that shows a file of a repository; return what it said."""
    return containers.run(
        name,
        ["/bin/cat", "/code/app/greeting"],
        level=level,
        volumes=[{"name": "source", "gitRepo": {"repository": repository, "directory": "app"}}],
        container={
            "ports": [PORT],
            "volumeMounts": [{"name": "source", "mountPath": "/code"}],
        },
        **more,
    )


def test_a_repository_in_the_groups_network_is_fetched(containers, level, server, subnet):
    where = {
        "subnetIds": [{"id": subnet}],
        "ipAddress": {"type": "Private", "ports": [PORT]},
    }

    said = read(containers, f"fetch-{level}", level, f"http://{server}/app.git", **where)

    assert said == "hello from the repository"


def test_the_machines_own_servers_are_not_reached(containers):
    asked = []

    class Listener(socketserver.BaseRequestHandler):
        def handle(self):
            asked.append(self.client_address)

    with socketserver.ThreadingTCPServer(("0.0.0.0", 0), Listener) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        port = listener.server_address[1]
        for number, host in enumerate(("127.0.0.1", "localhost")):
            with pytest.raises(Refused, match="git failed"):
                read(containers, f"own-{number}", "process", f"http://{host}:{port}/app.git")
            containers.delete(f"own-{number}")
        listener.shutdown()

    assert asked == []
