"""A gateway over container groups, with an engine over a machine of memory alone."""

import asyncio
import contextlib

from tests.unit.silo.arm.world import GROUP, VERSION, World
from tests.unit.silo.engine.fake_machine import FakeMachine

from silo import core, engine, identity
from silo.providers import containerinstance

WEB = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/web"
TENANT = "00000000-0000-0000-0000-0000000000aa"


class Leases:
    """Public addresses, by hand."""

    def __init__(self):
        self.held = {}

    def lease(self, _conn, uid):
        return self.held.setdefault(uid, f"10.9.0.{len(self.held) + 4}")

    def release(self, _conn, uid):
        self.held.pop(uid, None)


def open_credentials(_uid, logins):
    """Answer with passwords alone, as the house's own does without identities."""

    async def find(reference):
        for login in logins:
            if login.server == reference.partition("/")[0]:
                return engine.Basic(login.username, login.password)
        return None

    return find


class GroupWorld(World):
    """As the house is put together, doors and control process in one."""

    def __init__(self, folder, quota=None):
        self.folder = folder
        self.quota = quota or containerinstance.Quota()
        self.reason = ""
        self.leases = Leases()
        self.logs = {}
        super().__init__(folder)
        self.machine = FakeMachine(self.clock)
        self.groups = engine.Groups(self.machine, self.store, self.clock)
        self.store.write_now(
            lambda conn: identity.put_tenant(conn, identity.Tenant(TENANT, "silo.test", "Silo"))
        )

    def _declare(self):
        self.around = containerinstance.Surroundings(
            resources=self.resources,
            vault=core.Vault(self.folder / "vault.key"),
            domain="silo.test",
            unavailable=lambda: self.reason,
            promise=containerinstance.Promise(engine.Capacity(4.0, 16 << 30), 2.0),
            quota=self.quota,
            levels={**dict.fromkeys(engine.Level, ""), engine.Level.HYPERVISOR: "no /dev/kvm"},
            groups=lambda: self.groups,
            read_log=self._read_log,
            lease_public=self.leases.lease,
            release=self.leases.release,
            open_credentials=open_credentials,
            check_workspace=lambda _conn, _id, _key: None,
        )
        return (*super()._declare(), containerinstance.provider(self.around))

    async def _read_log(self, uid, container, since, tail, stamped):
        self.log_start = since
        return f"{container} {tail} {stamped}"

    @contextlib.asynccontextmanager
    async def running(self):
        """Run the control process's loops."""
        plans = containerinstance.open_plans(self.around)
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(self.groups.run(plans.list_plans)),
                tasks.create_task(self.reconciler.run()),
            ]
            yield
            for loop in loops:
                loop.cancel()

    async def plans(self):
        """Return what the engine is told to make."""
        return await containerinstance.open_plans(self.around).list_plans()

    async def put(self, path=WEB, **changes):
        return await self.ask("PUT", path, make_body(**changes))

    async def act(self, action, body=None):
        return await self.ask("POST", f"{WEB}/{action}?api-version={VERSION}", body)

    async def wait_state(self, wanted="Succeeded", path=WEB):
        """Return the group once it is provisioned one way or the other."""
        async with asyncio.timeout(40):
            while True:
                _, _, body = await self.ask("GET", path)
                if body["properties"]["provisioningState"] == wanted:
                    return body
                await asyncio.sleep(0.01)


def make_container(name="web", **properties):
    resources = {"requests": {"cpu": 0.5, "memoryInGB": 0.5}}
    wanted = {"image": "busybox", "resources": resources, **properties}
    return {"name": name, "properties": {k: v for k, v in wanted.items() if v is not None}}


def make_body(**properties):
    tags = properties.pop("tags", {})
    envelope = {name: properties.pop(name) for name in ("identity",) if name in properties}
    wanted = {"osType": "Linux", "containers": [make_container()], **properties}
    return {
        "location": "westeurope",
        "tags": tags,
        "properties": {name: value for name, value in wanted.items() if value is not None},
        **envelope,
    }
