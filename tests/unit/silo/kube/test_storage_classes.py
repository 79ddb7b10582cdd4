from silo.kube import storage_classes


def test_classes_have_the_names_that_manifests_for_aks_use():
    found = storage_classes.list_objects().values()

    assert [one["metadata"]["name"] for one in found] == ["default", "managed", "managed-csi"]
    marked = [one["metadata"]["name"] for one in found if one["metadata"]["annotations"]]
    assert marked == ["default"]
    assert {one["volumeBindingMode"] for one in found} == {"WaitForFirstConsumer"}
