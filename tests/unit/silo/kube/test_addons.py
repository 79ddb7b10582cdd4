from tests.unit.silo.kube import kube_world as world

from silo.kube import addons, control_plane


def test_every_image_that_is_asked_for_is_brought_to_the_nodes(tmp_path):
    paths = world.paths_in(tmp_path)
    control_plane.prepare(world.PLAN, paths, world.NOW)

    asked = {
        container["image"]
        for one in addons.list_objects(world.PLAN, paths).values()
        if one["kind"] == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
    }

    assert asked < {name for _, name in addons.list_images(world.KIT)}


def test_objects_have_the_names_of_their_paths(tmp_path):
    paths = world.paths_in(tmp_path)
    control_plane.prepare(world.PLAN, paths, world.NOW)

    found = addons.list_objects(world.PLAN, paths)

    assert all(path.endswith(f"/{one['metadata']['name']}") for path, one in found.items())
