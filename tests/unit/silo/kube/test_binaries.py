import json

from silo import kube
from silo.kube import binaries


def test_kit_is_read_from_its_folder(tmp_path):
    (tmp_path / "versions.json").write_text(json.dumps({"etcd": "v3"}))

    found = binaries.read_kit("1.36.3", tmp_path)

    assert found == kube.Kit("1.36.3", tmp_path / "bin", {"etcd": "v3"})
    assert found.kubernetes == tmp_path / "bin" / "kubernetes"
    assert found.build == tmp_path.name
