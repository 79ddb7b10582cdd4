from silo.access.role_data import define_role, expand_patterns


def test_braces_are_spelled_out_as_a_shell_does() -> None:
    assert expand_patterns("a/{b,c}/{read,write} d") == (
        "a/b/read",
        "a/b/write",
        "a/c/read",
        "a/c/write",
        "d",
    )


def test_a_built_in_role_may_be_assigned_anywhere() -> None:
    role = define_role("guid", "Name", "Says what.", actions="*")

    assert (role.type, role.assignable_scopes) == ("BuiltInRole", ("/",))
