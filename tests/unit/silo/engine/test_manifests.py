import hashlib
import json
import platform

import pytest

from silo.engine import manifests
from silo.engine.errors import ImageInaccessible

DIGEST = "sha256:" + "a" * 64
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 1}
HERE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def manifest(*layers):
    return {"config": {"digest": DIGEST}, "layers": list(layers)}


def test_layers_and_configuration_are_read():
    layers, config = manifests.read_layers("a", manifest(LAYER))

    assert [layer.digest for layer in layers] == [DIGEST]
    assert config == DIGEST


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"layers": []},
        manifest(),
        manifest("x"),
        manifest({}),
        manifest({**LAYER, "size": "1"}),
        manifest({**LAYER, "size": -1}),
        manifest({**LAYER, "size": 2**70}),
        manifest({**LAYER, "size": 16 * 1024**3}),
        manifest({**LAYER, "digest": "../../x"}),
        manifest({**LAYER, "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar"}),
        manifest(*[LAYER] * 128),
        {"config": {"digest": "?x"}, "layers": [LAYER]},
        {"config": [], "layers": [LAYER]},
    ],
)
def test_a_strange_manifest_is_refused(document):
    with pytest.raises(ImageInaccessible):
        manifests.read_layers("a", document)


@pytest.mark.parametrize(
    "index",
    [
        {},
        {"manifests": None},
        {"manifests": ["x", None]},
        {"manifests": [{"platform": "linux"}]},
        {"manifests": [{"digest": DIGEST, "platform": {"os": "windows", "architecture": HERE}}]},
        {"manifests": [{"digest": "x", "platform": {"os": "linux", "architecture": HERE}}]},
    ],
)
def test_an_index_without_an_image_for_this_machine_is_refused(index):
    with pytest.raises(ImageInaccessible):
        manifests.choose_manifest("a", index)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"os": "linux", "architecture": HERE, "rootfs": {"diff_ids": []}},
        {"os": "linux", "architecture": HERE, "rootfs": {"diff_ids": [1]}},
        {"os": "linux", "architecture": HERE, "rootfs": {"diff_ids": [DIGEST]}, "config": "x"},
        {"os": "linux", "architecture": "s390x", "rootfs": {"diff_ids": [DIGEST]}},
        {"os": "windows", "architecture": HERE, "rootfs": {"diff_ids": [DIGEST]}},
    ],
)
def test_a_strange_configuration_is_refused(config):
    with pytest.raises(ImageInaccessible):
        manifests.read_config("a", json.dumps(config).encode(), 1)


def test_stacks_of_layers_have_the_specifications_names():
    first, second = manifests.chain_ids(["sha256:a", "sha256:b"])

    assert first == "sha256:a"
    assert second == f"sha256:{hashlib.sha256(b'sha256:a sha256:b').hexdigest()}"
