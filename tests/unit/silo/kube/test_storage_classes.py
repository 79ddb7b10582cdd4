from silo.kube import storage_classes


def test_classes_have_the_names_that_manifests_for_aks_use():
    found = {one["metadata"]["name"]: one for one in storage_classes.list_objects().values()}

    disks = {"default", "managed", "managed-csi", "managed-premium", "managed-csi-premium"}
    files = {"azurefile", "azurefile-csi", "azurefile-premium", "azurefile-csi-premium"}
    assert set(found) == disks | files
    assert [name for name, one in found.items() if one["metadata"]["annotations"]] == ["default"]
    modes = {name: one["volumeBindingMode"] for name, one in found.items()}
    assert modes == {
        **dict.fromkeys(disks, "WaitForFirstConsumer"),
        **dict.fromkeys(files, "Immediate"),
    }
    assert all(one["allowVolumeExpansion"] for one in found.values())
