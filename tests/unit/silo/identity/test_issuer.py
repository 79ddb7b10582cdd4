import pytest
from tests.unit.silo.identity.sign_in_world import NAMES, World, read_claims

from silo import identity

RESOURCE_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/x/i"


def make_identity(world: World) -> identity.ManagedIdentity:
    return world.issuer.store.write_now(
        lambda conn: identity.create_managed_identity(
            conn, "robot", RESOURCE_ID, world.issuer.clock.now()
        )
    )


def make_sign_in() -> identity.SignIn:
    return identity.SignIn(client_ip="10.0.0.2", correlation_id="")


async def test_a_managed_identity_gets_a_token_of_its_own(world: World) -> None:
    made = make_identity(world)

    answer = await identity.issue_managed_identity_token(
        world.issuer, made.object_id, "https://management.azure.com", make_sign_in(), NAMES.urls
    )

    token = str(answer["access_token"])
    assert answer["client_id"] == made.client_id
    assert read_claims(token)["xms_mirid"] == RESOURCE_ID
    principal = world.verifier.verify_bearer(token, identity.ARM_AUDIENCES)
    assert principal.object_id == made.object_id
    assert world.list_sign_ins()[0]["signInEventTypes"] == ["managedIdentity"]


async def test_an_unknown_resource_is_refused(world: World) -> None:
    with pytest.raises(identity.OAuthError, match="not found"):
        await identity.issue_managed_identity_token(
            world.issuer,
            make_identity(world).object_id,
            "https://x.example",
            make_sign_in(),
            NAMES.urls,
        )
