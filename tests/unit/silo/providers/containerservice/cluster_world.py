"""A gateway over managed clusters, with somebody who notes what is to run and runs nothing."""

import asyncio
import contextlib
from pathlib import Path

from tests.unit.silo.arm.world import GROUP, VERSION, World

from silo import arm, identity, kube
from silo.kube import control_plane
from silo.providers import containerservice, managedidentity

K1 = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/k1"
TENANT = "00000000-0000-0000-0000-0000000000aa"
GIB = 1 << 30


class FakeClusters:
    """Clusters that come up at once, unless they are told not to."""

    def __init__(self, folder, clock):
        self.folder = folder
        self.clock = clock
        self.plans = {}
        self.failure = None
        self.seen = kube.Snapshot((), (), ())

    async def apply(self, plan):
        if self.failure is not None:
            raise self.failure
        paths = self.locate(plan.uid)
        control_plane.ensure_authorities(paths, self.clock.now())
        self.plans[plan.uid] = plan

    async def observe(self, _uid):
        return self.seen

    async def delete(self, uid):
        self.plans.pop(uid, None)

    def locate(self, uid):
        return kube.ClusterPaths.of_cluster(self.folder / "kube", self.folder / "run", uid)


class ClusterWorld(World):
    """As the house is put together, doors and control process in one."""

    def __init__(self, folder):
        self.folder = folder
        self.reason = ""
        self.leases = {}
        super().__init__(folder)
        self.store.write_now(
            lambda conn: identity.put_tenant(conn, identity.Tenant(TENANT, "silo.test", "Silo"))
        )

    def _declare(self):
        self.clusters = FakeClusters(self.folder, self.clock)
        kits = {version: kube.Kit(version, Path("/none"), {}) for version in ("1.35.4", "1.36.3")}
        self.around = containerservice.Surroundings(
            resources=self.resources,
            domain="silo.test",
            tenant=TENANT,
            issuers="https://oidc.silo.test:8443",
            unavailable=lambda: self.reason,
            machine=kube.Size(2.0, 16 * GIB),
            kits=kits,
            locate=self.clusters.locate,
            lease_public=self._lease,
            release=lambda _conn, uid: self.leases.pop(uid, None),
            clusters=lambda: self.clusters,
        )
        others = (*super()._declare(), managedidentity.provider(self.resources))
        return (*others, containerservice.provider(self.around))

    def _lease(self, _conn, uid):
        return self.leases.setdefault(uid, f"203.0.113.{len(self.leases) + 4}")

    @contextlib.asynccontextmanager
    async def running(self):
        async with asyncio.TaskGroup() as tasks:
            loop = tasks.create_task(self.reconciler.run())
            yield
            loop.cancel()

    async def put(self, **changes):
        return await self.ask("PUT", K1, make_body(**changes))

    def change_stored(self, change):
        """Change a cluster as nobody does who checks it."""

        def write(conn):
            found = self.resources.get(conn, arm.parse_resource_id(K1))
            return self.resources.put(conn, change(found))

        return self.store.write_now(write)

    async def act(self, action):
        return await self.ask("POST", f"{K1}/{action}?api-version={VERSION}")

    async def wait_state(self, wanted="Succeeded", where=K1):
        async with asyncio.timeout(40):
            while True:
                _, _, body = await self.ask("GET", where)
                if body["properties"]["provisioningState"] == wanted:
                    return body
                await asyncio.sleep(0.01)

    async def wait_gone(self):
        async with asyncio.timeout(40):
            while True:
                status, _, _ = await self.ask("GET", K1)
                if status == 404:
                    return status
                await asyncio.sleep(0.01)


def make_pool(**changes):
    """Return a pool as az sends it."""
    pool = {
        "name": "nodepool1",
        "mode": "System",
        "count": 1,
        "vmSize": "",
        "orchestratorVersion": "",
        "osType": "Linux",
        "type": "VirtualMachineScaleSets",
        "enableAutoScaling": False,
        "enableNodePublicIP": False,
        "scaleSetPriority": "Regular",
        "nodeTaints": [],
        "upgradeSettings": {},
        "enableEncryptionAtHost": False,
        "enableUltraSSD": False,
        "enableFIPS": False,
    }
    return {**pool, **changes}


def make_body(**changes):
    """Return a cluster as ``az aks create --no-ssh-key`` sends it."""
    properties = {
        "kubernetesVersion": "",
        "dnsPrefix": "k1-rg-111111",
        "enableRBAC": True,
        "disableLocalAccounts": False,
        "agentPoolProfiles": [make_pool()],
        "networkProfile": {"loadBalancerSku": "standard", "outboundType": "loadBalancer"},
        "addonProfiles": {},
        "storageProfile": {},
        "bootstrapProfile": {"artifactSource": "Direct"},
    }
    return {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "sku": {"name": "Base", "tier": "Free"},
        "properties": {**properties, **changes},
    }
