from dataclasses import replace

from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import control_plane, issuing, rotation

ISSUER = "https://oidc.silo.test/t/u/"
INSIDE = "https://kubernetes.default.svc.cluster.local"


def list_words(tmp_path, plan):
    paths = world.paths_in(tmp_path)
    control_plane.prepare(plan, paths, world.NOW)
    listed = control_plane.list_processes(plan, world.KIT, paths, tmp_path, "/g")
    (api,) = (one for one in listed if one.name == control_plane.API_SERVER)
    return [word for word in api.command if word.startswith("--service-account")], api.revision


def test_tokens_of_before_stay_good_when_the_issuer_becomes_public(tmp_path):
    inside, _ = list_words(tmp_path, world.PLAN)
    public, _ = list_words(tmp_path, replace(world.PLAN, issuer=ISSUER))

    assert [one for one in inside if "issuer" in one] == [f"--service-account-issuer={INSIDE}"]
    # The first is the one that new tokens name.
    assert [one for one in public if "issuer" in one] == [
        f"--service-account-issuer={ISSUER}",
        f"--service-account-issuer={INSIDE}",
    ]
    assert f"--service-account-jwks-uri={ISSUER}openid/v1/jwks" in public


def test_what_the_api_server_reads_tells_its_revision(tmp_path):
    plan = replace(world.PLAN, issuer=ISSUER)
    _, before = list_words(tmp_path, plan)
    paths = world.paths_in(tmp_path)
    (paths.pki / "service-accounts.pub").write_text("another")

    listed = control_plane.list_processes(plan, world.KIT, paths, tmp_path, "/g")

    assert before not in {one.revision for one in listed}


def test_keys_are_public_and_survive_a_rotation_of_certificates(tmp_path):
    paths = world.paths_in(tmp_path)
    assert kube.read_keys(paths) == []
    control_plane.prepare(world.PLAN, paths, world.NOW)
    (key,) = kube.read_keys(paths)
    rotation.ensure(paths, 1)
    control_plane.prepare(world.PLAN, paths, world.NOW)

    assert kube.read_keys(paths) == [key]
    assert set(key) == {"kty", "n", "e", "use", "kid", "alg"}
    assert len(key["kid"]) == 43


def test_tokens_of_the_key_before_are_good_until_the_next_rotation(tmp_path):
    paths = world.paths_in(tmp_path)
    for number in (0, 0, 1, 1):
        issuing.ensure_keys(paths, number)
    second, first = kube.read_keys(paths)
    issuing.ensure_keys(paths, 2)
    third, known = kube.read_keys(paths)

    assert known == second
    assert len({one["kid"] for one in (first, second, third)}) == 3


def test_rotation_that_was_cut_off_loses_no_key(tmp_path):
    paths = world.paths_in(tmp_path)
    issuing.ensure_keys(paths, 0)
    (first,) = kube.read_keys(paths)
    private = paths.pki / "service-accounts.key"
    signer = private.read_bytes()
    issuing.ensure_keys(paths, 1)
    private.write_bytes(signer)

    issuing.ensure_keys(paths, 1)

    assert kube.read_keys(paths)[1:] == [first]


def test_documents_are_found_below_the_issuer():
    found = issuing.describe_issuer(ISSUER)

    assert found["issuer"] == ISSUER
    assert found["jwks_uri"] == ISSUER + issuing.KEYS
