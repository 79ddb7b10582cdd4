from silo import access


def test_a_principal_is_reached_by_its_own_id_and_by_its_groups() -> None:
    principal = access.Principal("o", "t", access.PrincipalType.USER, "n", frozenset({"g"}))

    assert principal.object_ids == {"o", "g"}
