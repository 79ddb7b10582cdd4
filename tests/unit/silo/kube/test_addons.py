from dataclasses import replace

import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import addons, app_routing, control_plane


@pytest.mark.parametrize("ingress", ["", "External"])
def test_every_image_that_is_asked_for_is_brought_to_the_nodes(tmp_path, ingress):
    paths, plan = world.paths_in(tmp_path), replace(world.PLAN, ingress=ingress)
    control_plane.prepare(plan, paths, world.NOW)

    asked = {
        container["image"]
        for one in addons.list_objects(plan, paths).values()
        if one["kind"] == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
    }

    assert asked < {name for _, name in addons.list_images(world.KIT, plan)}
    assert (app_routing.IMAGE in asked) is bool(ingress)


def test_objects_have_the_names_of_their_paths(tmp_path):
    paths = world.paths_in(tmp_path)
    control_plane.prepare(world.PLAN, paths, world.NOW)

    found = addons.list_objects(world.PLAN, paths)

    assert all(path.endswith(f"/{one['metadata']['name']}") for path, one in found.items())


class FakeApi:
    """Has what is put into it."""

    def __init__(self):
        self.held = {}
        self.written = []

    async def find(self, path):
        return self.held.get(path)

    async def put(self, path, document):
        self.held[path] = document
        self.written.append(path)

    async def delete(self, path):
        self.held.pop(path, None)


async def test_object_that_is_not_to_be_goes():
    api = FakeApi()
    await addons.ensure(api, {"/a": {"metadata": {"name": "a"}}})

    await addons.ensure(api, {"/a": None})

    assert api.held == {}


async def test_class_that_its_owner_changed_stays_so_and_one_that_is_gone_comes_back(tmp_path):
    paths = world.paths_in(tmp_path)
    control_plane.prepare(world.PLAN, paths, world.NOW)
    objects, api = addons.list_objects(world.PLAN, paths), FakeApi()
    await addons.ensure(api, objects)
    classes = [path for path in api.written if "/storageclasses/" in path]
    del api.held[classes[0]]
    api.written.clear()

    await addons.ensure(api, objects)

    assert len(classes) == 9
    assert [path for path in api.written if "/storageclasses/" in path] == classes[:1]
    assert len(api.written) == len(objects) - 8
