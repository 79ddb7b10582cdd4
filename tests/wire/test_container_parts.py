"""Parts of container groups that az asks for: repositories, name servers, shares of a core."""

import base64
import io
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.containers import ContainerGroup

PORTS = [{"protocol": "TCP", "port": 80}]
Make = Callable[..., ContainerGroup]


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


@pytest.fixture(scope="module")
def repositories(
    make_container_from_file: Make, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Serve a repository from a group; return its URL and its first revision."""
    folder = tmp_path_factory.mktemp("repository")
    work, bare = folder / "work", folder / "app.git"
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(work)], check=True)
    for greeting in ("first", "second"):
        (work / "greeting").write_text(greeting)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", greeting], check=True)
    said = subprocess.run([*git, "rev-parse", "HEAD~1"], check=True, capture_output=True, text=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "update-server-info"], check=True)
    group = make_container_from_file(
        {
            "one": {
                "command": shell(
                    "mkdir -p /tmp/srv && /bin/busybox tar xf /repo/app.tar -C /tmp/srv && "
                    "exec /bin/busybox httpd -f -p 80 -h /tmp/srv"
                ),
                "ports": PORTS,
                "volumeMounts": [{"name": "archive", "mountPath": "/repo"}],
            }
        },
        volumes=[{"name": "archive", "secret": {"app.tar": pack(bare)}}],
        ipAddress={"type": "Public", "ports": PORTS},
    )
    address = group.wait("Running")["ipAddress"]["ip"]
    return f"http://{address}/app.git", said.stdout.strip()


def pack(folder: Path) -> str:
    """Return a folder as an archive in the letters that secrets are given in."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.add(
            folder, folder.name, filter=lambda entry: None if "hooks" in entry.name else entry
        )
    return base64.b64encode(made.getvalue()).decode()


@pytest.mark.parametrize(("revision", "greeting"), [(False, "second"), (True, "first")])
def test_az_clones_a_repository_into_a_group(
    make_container: Make, repositories: tuple[str, str], revision: bool, greeting: str
) -> None:
    url, first = repositories
    options = ["--gitrepo-url", url, "--gitrepo-mount-path", "/code", "--gitrepo-dir", "app"]
    options += ["--gitrepo-revision", first] if revision else []

    group = make_container("/bin/cat /code/app/greeting", "--restart-policy", "Never", *options)

    shown = group.wait("Succeeded", "Failed")
    assert group.logs().strip() == greeting
    assert shown["volumes"][0]["gitRepo"]["repository"] == url


def test_a_repository_that_is_not_there_is_told(
    make_container_from_file: Make, repositories: tuple[str, str]
) -> None:
    url, _ = repositories
    with pytest.raises(Exception, match="repository"):
        make_container_from_file(
            {
                "one": {
                    "command": shell("true"),
                    "volumeMounts": [{"name": "code1", "mountPath": "/code"}],
                }
            },
            volumes=[{"name": "code1", "gitRepo": {"repository": f"{url}x"}}],
        )


def test_name_servers_of_a_group_are_what_its_programs_read(make_container_from_file: Make) -> None:
    group = make_container_from_file(
        {"one": {"command": shell("cat /etc/resolv.conf")}},
        restartPolicy="Never",
        dnsConfig={
            "nameServers": ["10.9.9.9", "10.9.9.8"],
            "searchDomains": "corp.example svc.example",
            "options": "ndots:2 timeout:1",
        },
    )

    shown = group.wait("Succeeded")
    lines = group.logs("one").split("\n")
    assert [line for line in lines if line.startswith("nameserver")] == [
        "nameserver 10.9.9.9",
        "nameserver 10.9.9.8",
    ]
    assert "search corp.example svc.example" in lines
    assert "options ndots:2 timeout:1" in lines
    assert shown["dnsConfig"]["nameServers"] == ["10.9.9.9", "10.9.9.8"]


def test_a_busy_group_gets_its_share_of_a_core_and_no_more(make_container_from_file: Make) -> None:
    spin = shell(
        "while :; do :; done & sleep 5; "
        "cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpuacct/cpuacct.usage; kill $!; "
        "echo up $(cut -d' ' -f1 /proc/uptime) since $(cut -d' ' -f22 /proc/1/stat)"
    )
    group = make_container_from_file(
        {"one": {"command": spin}}, tags={"silo-isolation": "process"}, restartPolicy="Never"
    )

    group.wait("Succeeded")
    said = group.logs("one")
    # Microseconds by the second version of control groups, nanoseconds by the first.
    new = re.search(r"^usage_usec (\d+)$", said, re.MULTILINE)
    old = re.search(r"^(\d+)$", said, re.MULTILINE)
    assert new or old, said
    used_s = int(new[1]) / 1e6 if new else int(old[1]) / 1e9
    # A busy machine gives less; and it takes longer than five seconds.
    up, since = re.search(r"^up (\S+) since (\d+)$", said, re.MULTILINE).groups()
    assert 0.01 < used_s < 0.5 + 0.25 * (float(up) - int(since) / 100)
