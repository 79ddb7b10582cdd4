from silo import engine
from silo.engine.group_files import GroupFiles, render_files


def test_a_group_finds_its_own_name_and_the_engines_resolver():
    plan = engine.GroupPlan("uid", 1, "web")

    files = render_files(plan, "10.0.0.4")

    assert files["hostname"] == "web\n"
    assert "10.0.0.4 web\n" in files["hosts"]
    assert files["resolv.conf"] == "nameserver 168.63.129.16\n"


def test_a_group_may_choose_whom_it_asks_for_names():
    network = engine.NetworkPlan(
        dns_servers=("1.1.1.1", "8.8.8.8"), dns_search=("a.test",), dns_options=("ndots:2",)
    )

    text = render_files(engine.GroupPlan("uid", 1, "web", network=network), "")["resolv.conf"]

    assert text == "nameserver 1.1.1.1\nnameserver 8.8.8.8\nsearch a.test\noptions ndots:2\n"


def test_files_of_groups_that_are_no_more_are_swept(tmp_path):
    files = GroupFiles(tmp_path)
    for uid in ("one", "two"):
        files.write(engine.GroupPlan(uid, 1, "web"), "")

    files.sweep({"one"})
    files.remove("three")

    assert [entry.name for entry in tmp_path.iterdir()] == ["one"]
    assert set(files.list_files("one")) == {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
