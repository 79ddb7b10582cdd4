import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import control_plane, safeguards


class Secrets:
    """An API server that knows one secret, and notes who writes it."""

    def __init__(self):
        self.written = []

    async def list(self, path):
        assert path == "/api/v1/secrets"
        metadata = {"namespace": "shop", "name": "s", "resourceVersion": "7"}
        return [{"metadata": metadata, "data": {"a": "b"}}], "9"

    async def amend(self, path, parts):
        self.written.append((path, parts))
        return True


@pytest.fixture
def paths(tmp_path: Path) -> kube.ClusterPaths:
    return world.paths_in(tmp_path)


def flags_of(paths: kube.ClusterPaths, name: str) -> dict[str, str]:
    every = control_plane.list_processes(
        world.PLAN, world.KIT, paths, Path("/run/netns/c"), "/silo/i/c"
    )
    words = next(one.command for one in every if one.name == name)
    given = words[words.index(name) + 1 :]
    return dict(word.removeprefix("--").split("=", 1) for word in given)


def read_keys(paths: kube.ClusterPaths) -> list[str]:
    config = json.loads((paths.config / "encryption.json").read_text())
    return [one["secret"] for one in config["resources"][0]["providers"][0]["secretbox"]["keys"]]


def prepare(paths: kube.ClusterPaths, **changes: object) -> None:
    control_plane.prepare(replace(world.PLAN, **changes), paths, world.NOW)


def test_flags_are_those_that_the_benchmark_asks_for(paths):
    """CIS Kubernetes Benchmark 1.2 (API server), 1.3, 1.4 and 2 (etcd), in its own order."""
    prepare(paths)
    api, etcd = flags_of(paths, "kube-apiserver"), flags_of(paths, "etcd")
    others = [flags_of(paths, f"kube-{name}") for name in ("controller-manager", "scheduler")]

    assert api["anonymous-auth"] == "false"
    assert not {"token-auth-file", "basic-auth-file", "insecure-port"} & set(api)
    assert {"kubelet-client-certificate", "kubelet-client-key"} <= set(api)
    assert api["kubelet-certificate-authority"].endswith("ca.crt")
    modes = api["authorization-mode"].split(",")
    assert "AlwaysAllow" not in modes
    assert {"Node", "RBAC"} <= set(modes)
    plugins = api["enable-admission-plugins"].split(",")
    assert "NodeRestriction" in plugins
    assert "AlwaysAdmit" not in plugins
    assert "disable-admission-plugins" not in api
    assert api["profiling"] == "false"
    assert {"audit-log-path", "audit-policy-file", "audit-log-maxsize"} <= set(api)
    assert int(api["audit-log-maxbackup"]) >= 1
    assert api["service-account-lookup"] == "true"
    assert api["service-account-extend-token-expiration"] == "false"
    assert {"etcd-cafile", "etcd-certfile", "etcd-keyfile"} <= set(api)
    assert {"tls-cert-file", "tls-private-key-file", "client-ca-file"} <= set(api)
    assert "encryption-provider-config" in api
    assert api["tls-min-version"] == "VersionTLS12"
    assert all("GCM" in one or "CHACHA20" in one for one in api["tls-cipher-suites"].split(","))
    for flags in others:
        assert (flags["profiling"], flags["bind-address"]) == ("false", "127.0.0.1")
    assert others[0]["use-service-account-credentials"] == "true"
    assert {"service-account-private-key-file", "root-ca-file"} <= set(others[0])
    assert {"cert-file", "key-file", "peer-cert-file", "peer-key-file"} <= set(etcd)
    assert etcd["client-cert-auth"] == etcd["peer-client-cert-auth"] == "true"
    assert "auto-tls" not in etcd
    assert etcd["trusted-ca-file"] != api["kubelet-certificate-authority"]


def test_log_tells_who_did_what_and_never_what_was_in_it(paths):
    prepare(paths)
    policy = json.loads((paths.config / "audit.json").read_text())

    assert {rule["level"] for rule in policy["rules"]} == {"None", "Metadata"}
    assert policy["rules"][-1] == {"level": "Metadata"}
    silent = [rule for rule in policy["rules"] if rule["level"] == "None"]
    everybody = [rule for rule in silent if not {"users", "userGroups"} & set(rule)]
    kinds = [
        kind for rule in everybody for one in rule.get("resources", []) for kind in one["resources"]
    ]
    assert set(kinds) == {"leases", "events"}
    assert paths.audit.stat().st_mode & 0o077 == 0


def test_stricter_standard_is_for_all_but_what_every_cluster_has(paths):
    prepare(paths, pod_security="restricted")
    config = json.loads((paths.config / "admission.json").read_text())
    ((path, namespace),) = safeguards.list_objects(
        replace(world.PLAN, pod_security="restricted")
    ).items()

    assert config["plugins"][0]["configuration"]["defaults"]["enforce"] == "restricted"
    assert path == "/api/v1/namespaces/kube-system"
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert safeguards.list_objects(world.PLAN) == {}


async def test_keys_go_once_everything_is_encrypted_with_the_newest(paths):
    api = Secrets()
    prepare(paths)
    before = read_keys(paths)
    await safeguards.encrypt_anew(api, paths)
    assert api.written == []

    prepare(paths, rotation=1)
    both = read_keys(paths)
    prepare(paths, rotation=1)
    assert read_keys(paths) == both
    await safeguards.encrypt_anew(api, paths)

    assert len(before) == 1
    assert both == [read_keys(paths)[0], *before]
    assert len(read_keys(paths)) == 1
    assert [path for path, _ in api.written] == ["/api/v1/namespaces/shop/secrets/s"]
    # Where it was changed meanwhile, it was encrypted with the newest key by that.
    assert api.written[0][1] == {"metadata": {"resourceVersion": "7"}}


def test_what_the_api_server_writes_does_not_start_it_again(paths):
    prepare(paths)
    digests = set()
    for text in ("", "a line\n"):
        safeguards.locate_log(paths).write_text(text)
        every = control_plane.list_processes(
            world.PLAN, world.KIT, paths, Path("/run/netns/c"), "/silo/i/c"
        )
        digests.add(next(one.digest for one in every if one.name == "kube-apiserver"))

    assert len(digests) == 1
