from silo import engine
from silo.providers.containerinstance.properties import ContainerGroup
from silo.providers.containerinstance.translation import Around, plan_group
from silo.providers.containerinstance.wish import Wish

from .group_world import make_body, make_container


def plan(wish=None, around=None, **properties):
    group = ContainerGroup.model_validate(make_body(**properties)["properties"])
    return plan_group("uid", "web", group, wish or Wish(), around or Around())


def test_a_container_becomes_a_plan_in_the_engines_units():
    made = plan(
        containers=[
            make_container(
                command=["sleep", "1"],
                ports=[{"port": 53, "protocol": "udp"}],
                resources={
                    "requests": {"cpu": 0.5, "memoryInGB": 1.5},
                    "limits": {"cpu": 1, "memoryInGB": 2},
                },
                livenessProbe={"exec": {"command": ["true"]}, "periodSeconds": 5},
                readinessProbe={"httpGet": {"path": "x", "port": 80, "scheme": "HTTPS"}},
            )
        ],
        restartPolicy="Never",
    )

    (web,) = made.containers
    assert made.restart is engine.Restart.NEVER
    assert (web.cpu, web.memory_bytes, web.cpu_limit) == (0.5, 3 << 29, 1)
    assert web.memory_limit_bytes == 2 << 30
    assert web.command == ("sleep", "1")
    assert web.ports == (engine.Port("UDP", 53),)
    assert (web.liveness.command, web.liveness.period_s) == (("true",), 5)
    assert web.readiness.http == engine.HttpGet("/x", 80, "https")


def test_a_config_map_becomes_environment_and_a_variable_wins_over_it():
    made = plan(
        around=Around(environment=(("FIRST", "1"),), secrets=(("TOKEN", "t"),)),
        containers=[
            make_container(
                configMap={"keyValuePairs": {"A": "map", "B": "map"}},
                environmentVariables=[
                    {"name": "A", "value": "own"},
                    {"name": "S", "secureValue": "s"},
                ],
            )
        ],
    )

    assert made.containers[0].environment == (("FIRST", "1"), ("B", "map"), ("A", "own"))
    assert made.containers[0].secrets == (("TOKEN", "t"), ("S", "s"))


def test_volumes_are_read_only_where_nobody_may_write_to_them():
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("empty", "secret", "share")]
    share = {"shareName": "s", "storageAccountName": "a", "readOnly": True}

    made = plan(
        wish=Wish(shares={"share": "/srv/share"}),
        containers=[make_container(volumeMounts=mounts)],
        volumes=[
            {"name": "empty", "emptyDir": {}},
            {"name": "secret", "secret": {"f": "eA=="}},
            {"name": "share", "azureFile": share},
        ],
    )

    assert [mount.read_only for mount in made.containers[0].mounts] == [False, True, True]
    assert [volume.source for volume in made.volumes] == [
        engine.EmptyDir(),
        engine.Secret({"f": b"x"}),
        engine.Share("/srv/share", read_only=True),
    ]


def test_init_containers_may_use_what_the_group_holds():
    init = {"name": "init", "properties": {"image": "busybox"}}

    made = plan(initContainers=[init])

    assert (made.init[0].cpu, made.init[0].memory_bytes) == (0.5, 1 << 29)


def test_the_place_on_the_network_comes_from_the_wish():
    made = plan(
        wish=Wish(router="vnet", subnet="10.0.1.0/24", address="10.0.1.4", revision=7),
        dnsConfig={"nameServers": ["1.1.1.1"], "searchDomains": "a b", "options": "ndots:1"},
    )

    assert made.generation == 7
    assert (made.network.router, made.network.subnet, made.network.address) == (
        "vnet",
        "10.0.1.0/24",
        "10.0.1.4",
    )
    assert made.network.dns_search == ("a", "b")
    assert made.network.dns_options == ("ndots:1",)


def test_name_servers_are_the_groups_own_or_else_its_networks():
    wish = Wish(router="vnet", subnet="10.0.1.0/24", address="10.0.1.4", dns_servers=["10.0.0.9"])
    own = {"nameServers": ["1.1.1.1"]}

    assert plan(wish=wish).network.dns_servers == ("10.0.0.9",)
    assert plan(wish=wish, dnsConfig=own).network.dns_servers == ("1.1.1.1",)
