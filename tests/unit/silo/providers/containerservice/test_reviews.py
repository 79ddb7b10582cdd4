import pytest

from silo.providers.containerservice.reviews import (
    PREFIX,
    ReviewUnreadable,
    name_action,
    name_scope,
    read_review,
)

EXTRA = {"entra.silo/oid": ["AA"], "entra.silo/iat": ["1700000000"]}


def make_review(spec=None, **resource):
    return {"spec": {"user": "dev@silo.test", "extra": EXTRA, **(spec or {}), **resource}}


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (("get", "", "pods"), "pods/read"),
        (("list", "", "pods"), "pods/read"),
        (("watch", "apps", "deployments"), "apps/deployments/read"),
        (("create", "apps", "deployments"), "apps/deployments/write"),
        (("patch", "apps", "deployments", "scale"), "apps/deployments/write"),
        (("deletecollection", "", "secrets"), "secrets/delete"),
        (("create", "", "pods", "exec"), "pods/exec/action"),
        (("get", "", "pods", "log"), "pods/read"),
        (
            ("bind", "rbac.authorization.k8s.io", "clusterroles"),
            "rbac.authorization.k8s.io/clusterroles/bind/action",
        ),
        (("impersonate", "", "users"), "users/impersonate/action"),
    ],
)
def test_deeds_have_azures_names(words, action):
    assert name_action(*words) == f"{PREFIX}/{action}"


def test_deeds_that_azure_has_no_name_for_have_none():
    assert name_action("sing", "", "pods") == name_action("get", "", "") == ""


def test_place_is_the_cluster_or_a_namespace_of_it():
    assert name_scope("/c", "") == "/c"
    assert name_scope("/c", "shop") == "/c/namespaces/shop"
    assert name_scope("/c", "../..") == name_scope("/c", "a/b") == ""


def test_review_is_about_the_bearer_of_a_token():
    resource = {"namespace": "shop", "verb": "get", "resource": "pods", "version": "v1"}
    asked = read_review(
        make_review(groups=["BB", "system:authenticated"], resourceAttributes=resource)
    )

    assert (asked.user, asked.object_id) == ("dev@silo.test", "aa")
    assert (asked.groups, asked.credential) == (frozenset({"bb"}), "")
    assert (asked.action, asked.namespace) == (f"{PREFIX}/pods/read", "shop")
    assert asked.issued.timestamp() == 1_700_000_000


def test_review_of_a_path_names_it():
    asked = read_review(make_review(nonResourceAttributes={"path": "/version", "verb": "get"}))

    assert asked.action == f"{PREFIX}/version/read"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"spec": 1},
        {"spec": {"user": "kube-admin"}},
        {"spec": {"extra": {**EXTRA, "entra.silo/oid": ["a", "b"]}}},
        {"spec": {"extra": {**EXTRA, "entra.silo/iat": ["soon"]}}},
        {"spec": {"extra": {**EXTRA, "entra.silo/iat": ["9" * 5000]}}},
        {"spec": {"extra": {**EXTRA, "entra.silo/cred": ["a", "b"]}}},
    ],
)
def test_what_is_no_such_question_is_not_answered(document):
    with pytest.raises(ReviewUnreadable):
        read_review(document)
