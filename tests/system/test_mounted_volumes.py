"""Volumes seen from inside containers: what is writable, what is not, and for whom."""

import pytest

from silo import engine, storage

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="containers need root")
SHARE = storage.FileShare("u1", "acme", "data", 1, "Hot", {}, "", "")
LEVELS = [engine.Level.PROCESS, engine.Level.SANDBOX]


@pytest.mark.parametrize("level", LEVELS)
async def test_a_container_uses_its_volumes_as_they_are_meant(world, image, level, tmp_path):
    tree = storage.Tree(tmp_path / "shares")
    folder = str(tree.ensure(SHARE))
    volumes = engine.Volumes(
        tmp_path / "disk",
        world.paths.run / "volumes",
        shares=tmp_path / "shares",
        rules=engine.VolumeRules(bytes=64 << 20),
    )
    wanted = {
        "empty": engine.EmptyDir(),
        "secret": engine.Secret({"key": b"hidden"}),
        "share": engine.Share(folder),
        "fixed": engine.Share(folder, read_only=True),
    }
    places = {
        name: await volumes.prepare(world.group, engine.VolumePlan(name, source))
        for name, source in wanted.items()
    }
    mounts = tuple(
        engine.Mount(str(path), f"/v/{name}", read_only=name in {"secret", "fixed"})
        for name, path in places.items()
    )
    script = (
        "cat /v/secret/key && echo a > /v/empty/a && echo b > /v/share/b && cat /v/fixed/b; "
        "echo c > /v/fixed/c; echo d > /v/secret/key; ls /v/empty"
    )
    try:
        code, said = await world.run(image, "/bin/sh", "-c", script, level=level, mounts=mounts)
        assert code == 0, said
        assert "hiddenb\n" in said, said
        assert said.count("ead-only") == 2 or said.count("denied") == 2, said
        assert (tree.ensure(SHARE) / "b").read_text() == "b\n"
        assert not (tree.ensure(SHARE) / "c").exists()
    finally:
        await volumes.remove(world.group)
