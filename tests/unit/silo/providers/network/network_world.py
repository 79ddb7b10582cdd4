"""A gateway that serves Microsoft.Network, and what it told the engine."""

from tests.unit.silo.arm.world import GROUP, World

from silo import engine
from silo.providers import network

VERSION = "api-version=2024-07-01"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
VNET = f"{NETWORK}/virtualNetworks/v1"
SUBNET = f"{VNET}/subnets/s1"
NSG = f"{NETWORK}/networkSecurityGroups/n1"
POOLS = engine.split_pools("10.77.0.0/17", "10.77.128.0/30")


class NetworkWorld(World):
    """Everything between the front door and the disk, with this provider."""

    def _declare(self):
        self.applied = []

        async def apply(router, rules):
            self.applied.append((router, rules))

        provider = network.provider(self.resources, POOLS, apply)
        self.placements = network.Placements(self.resources, POOLS)
        return (*super()._declare(), provider)

    async def put(self, path, properties=None, **document):
        body = {"location": "westeurope", "properties": properties or {}, **document}
        if "/subnets/" in path or "/securityRules/" in path:
            del body["location"]
        return await self.ask("PUT", f"{path}?{VERSION}", body)

    async def get(self, path):
        return await self.ask("GET", f"{path}?{VERSION}")

    async def delete(self, path):
        return await self.ask("DELETE", f"{path}?{VERSION}")

    async def make_group(self):
        await self.ask("PUT", f"{GROUP}?{VERSION}", {"location": "westeurope"})

    async def make_network(self, *subnets):
        space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
        return await self.put(VNET, {**space, **({"subnets": list(subnets)} if subnets else {})})

    def lease(self, path, owner):
        """Put somebody into a subnet."""
        from silo import arm

        def write(conn):
            subnet = self.resources.get(conn, arm.parse_resource_id(path))
            import ipaddress

            prefix = ipaddress.IPv4Network(subnet.properties["addressPrefix"])
            return engine.lease_address(conn, subnet.uid, prefix, owner, reserved=range(4))

        return str(self.store.write_now(write))


def rule(priority=100, access="Allow", direction="Inbound", **parts):
    """Return a rule as ``az network nsg rule create`` sends it."""
    return {
        "priority": priority,
        "access": access,
        "direction": direction,
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "80",
        **parts,
    }
