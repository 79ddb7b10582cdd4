"""Real packets between groups, networks, the machine and its metadata, against the rules.

Both directions, after a rule has changed and after a restart of Silo.
"""

import socket
import socketserver
import subprocess
import threading

import pytest

NETWORK = "2024-07-01"
PORT = 8080
DELEGATION = {
    "name": "groups",
    "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"},
}
RULE = {
    "direction": "Inbound",
    "protocol": "*",
    "sourceAddressPrefix": "*",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "*",
}


@pytest.fixture(scope="module")
def level():
    """Name one level: the wire outside of a group is the same for each."""
    return "process"


class Nets:
    """Two virtual networks of the same addresses, groups in them, and a group in none."""

    def __init__(self, containers, level):
        self.containers = containers
        self.level = level
        self.nsg = self.resource("networkSecurityGroups", "guard", {})
        self.first = self._network("first", {"networkSecurityGroup": {"id": self.nsg}})
        self.second = self._network("second", {})
        self.addresses = {
            "server": self._start("server", self.first),
            "client": self._start("client", self.first),
            "stranger": self._start("stranger", self.second),
            "alone": self._start("alone", None),
            "other": self._start("other", None),
        }

    def resource(self, kind, name, properties):
        where = f"Microsoft.Network/{kind}"
        return self.containers.resource(where, f"{name}-{self.level}", properties, NETWORK)

    def _network(self, name, guard):
        subnet = {"addressPrefix": "10.60.1.0/24", "delegations": [DELEGATION], **guard}
        properties = {
            "addressSpace": {"addressPrefixes": ["10.60.0.0/16"]},
            "subnets": [{"name": "apps", "properties": subnet}],
        }
        return f"{self.resource('virtualNetworks', name, properties)}/subnets/apps"

    def _start(self, name, subnet):
        within = {}
        if subnet:
            ports = [{"protocol": "TCP", "port": PORT}, {"protocol": "UDP", "port": PORT}]
            within["container"] = {"ports": ports}
            within["subnetIds"] = [{"id": subnet}]
            within["ipAddress"] = {"type": "Private", "ports": ports}
        serve = f"/bin/probe serve udp {PORT} & exec /bin/probe serve tcp {PORT}"
        self.containers.make(
            f"{name}-{self.level}", ["/bin/sh", "-c", serve], level=self.level, **within
        )
        found = self.containers.wait(f"{name}-{self.level}", "Running")
        return found["properties"].get("ipAddress", {}).get("ip")

    def probe(self, who, command):
        return self.containers.probe(f"{who}-{self.level}", command)

    def talk(self, who, address, protocol="tcp", port=PORT):
        told = self.probe(who, f"talk {protocol} {address}:{port}")
        # Outside of its network an address is somebody else's, who may answer too: ours say
        # whom they see.
        told["reached"] = told["reached"] and not told["answer"].startswith("HTTP/")
        return told

    def own_address(self, who):
        """Return where a group without a network is, as it sees itself."""
        said = self.containers.execute(f"{who}-{self.level}", "/bin/probe talk udp 192.0.2.1:9")
        return said.partition('"local":"')[2].partition(":")[0]

    def rule(self, name, priority, access, **more):
        path = f"/providers/Microsoft.Network/networkSecurityGroups/guard-{self.level}"
        body = {"properties": {**RULE, "priority": priority, "access": access, **more}}
        rule = f"{path}/securityRules/{name}"
        self.containers.call("PUT", rule, body, NETWORK).expect(200, 201)
        return lambda: self.containers.call("DELETE", rule, version=NETWORK).expect(200, 202, 204)


@pytest.fixture(scope="module")
def nets(containers, level):
    made = Nets(containers, level)
    yield made
    for name in made.addresses:
        containers.delete(f"{name}-{level}")


@pytest.fixture
def listener():
    """Listen at every address of the machine and answer each line."""

    class Answering(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.readline()
            self.wfile.write(b"here\n")

    with socketserver.ThreadingTCPServer(("0.0.0.0", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.create_connection(("127.0.0.1", server.server_address[1]), 5) as one:
            one.sendall(b"x\n")
            assert one.recv(10) == b"here\n"
        yield server.server_address[1]
        server.shutdown()


def test_neighbours_in_a_network_reach_each_other(nets):
    for protocol in ("tcp", "udp"):
        told = nets.talk("client", nets.addresses["server"], protocol)
        assert told["reached"], told
        assert told["answer"].startswith(f"{nets.addresses['client']}:")
        assert nets.talk("server", nets.addresses["client"], protocol)["reached"]


def test_networks_of_the_same_addresses_do_not_meet(nets):
    addresses = {nets.addresses[name] for name in ("server", "client")}
    told = {address: nets.talk("stranger", address) for address in addresses}

    for address, answer in told.items():
        if address == nets.addresses["stranger"]:
            continue  # that is itself
        assert not answer["reached"], (answer, address, nets.addresses)
    told = nets.talk("alone", nets.addresses["server"])
    assert not told["reached"], (told, nets.addresses)
    assert not nets.talk("alone", nets.addresses["server"], "udp")["reached"]


def test_groups_without_a_network_do_not_reach_each_other(nets):
    address = nets.own_address("other")

    assert address
    for protocol in ("tcp", "udp"):
        assert not nets.talk("alone", address, protocol)["reached"]
        assert not nets.talk("server", address, protocol)["reached"]


@pytest.mark.parametrize("direction", ["Inbound", "Outbound"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_rule_closes_one_direction_and_opens_it_again(nets, direction, protocol):
    server, client = nets.addresses["server"], nets.addresses["client"]
    which = "destinationAddressPrefix" if direction == "Inbound" else "sourceAddressPrefix"
    more = {"direction": direction, "protocol": protocol.capitalize(), which: f"{server}/32"}

    remove = nets.rule("closed", 110, "Deny", **more)
    try:
        into = nets.talk("client", server, protocol)["reached"]
        out = nets.talk("server", client, protocol)["reached"]
        assert (into, out) == (direction != "Inbound", direction == "Inbound")
        reopen = nets.rule("open", 105, "Allow", **more)
        assert nets.talk("client", server, protocol)["reached"]
        assert nets.talk("server", client, protocol)["reached"]
        reopen()
    finally:
        remove()
    assert nets.talk("client", server, protocol)["reached"]
    assert nets.talk("server", client, protocol)["reached"]


def test_the_machine_is_out_of_reach(nets, containers, listener):
    told = subprocess.run(
        ["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True
    ).stdout
    own = {line.split()[3].partition("/")[0] for line in told.splitlines()}

    for who in ("server", "alone"):
        for address in {*own, "169.254.169.254", "168.63.129.16"}:
            answer = nets.talk(who, address, port=listener)
            assert not answer["reached"], (who, address)


def test_metadata_answers_nobody_who_pretends(nets):
    # A source address of somebody else, or none of this group's at all.
    for who, source in (("client", nets.addresses["server"]), ("alone", "169.254.169.254")):
        told = nets.probe(who, f"talk tcp 169.254.169.254:80 {source}:0")
        assert not told["reached"], told
        assert "error" in told


def test_nothing_changes_over_a_restart(nets, containers):
    silo = containers.silo
    remove = nets.rule("closed", 110, "Deny", destinationAddressPrefix=nets.addresses["server"])
    assert not nets.talk("client", nets.addresses["server"])["reached"]
    silo.kill()
    silo.start()

    assert not nets.talk("client", nets.addresses["server"])["reached"]
    assert nets.talk("server", nets.addresses["client"])["reached"]
    assert not nets.talk("alone", nets.own_address("other"))["reached"]
    remove()
    assert nets.talk("client", nets.addresses["server"])["reached"]
