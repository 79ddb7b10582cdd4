"""How a stored group becomes a running one, in the control process."""

from collections.abc import Sequence
from dataclasses import dataclass

from silo import arm, core, engine, workload

from . import errors
from .properties import ContainerGroup
from .surroundings import Surroundings
from .translation import Around, plan_group
from .wish import read_group, read_wish
from .writing import FULL_TYPE


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The effects of a wish, through the engine."""

    around: Surroundings

    async def reconcile(self, resource: arm.Resource, _wanted: ContainerGroup) -> None:
        """Have the engine make the group as it is wanted now."""
        groups = self._require_engine()
        planned = await self.around.resources.store.read(lambda conn: self.plan(conn, resource))
        try:
            await groups.apply(planned.plan, planned.credentials)
        except engine.GroupStarting as error:
            raise arm.NotYet(str(error), retry_after_s=0.05) from error
        except engine.ImageInaccessible as error:
            raise errors.InaccessibleImage(error.reference, resource.id.name) from error
        except engine.EngineUnavailable as error:
            raise errors.ContainerEngineUnavailable(str(error)) from error
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            raise errors.ContainerGroupFailed(str(error)) from error

    async def remove(self, resource: arm.Resource) -> None:
        """Take the group off the machine."""
        if self.around.unavailable():
            # Nothing of it can be here that would have to go.
            return
        if self.around.drain_logs is not None:
            await self.around.drain_logs(resource.uid)
        try:
            await self._require_engine().delete(resource.uid)
        except engine.GroupStarting as error:
            raise arm.NotYet(str(error)) from error

    async def list_plans(self) -> Sequence[engine.Planned]:
        """Return every group that is to be, for the engine to take up after a start."""

        def read(conn: core.Connection) -> list[engine.Planned]:
            tenant = arm.parse_resource_id("/")
            every = self.around.resources.list(conn, tenant, FULL_TYPE)
            return [self.plan(conn, one) for one in every if not one.deleting]

        return await self.around.resources.store.read(read)

    def plan(self, conn: core.Connection, resource: arm.Resource) -> engine.Planned:
        """Return the plan of a stored group, and what opens its registries."""
        group, wish = read_group(resource, self.around.vault), read_wish(resource)
        environment, secrets = self.around.find_environment, self.around.find_secrets
        around = Around(
            environment=environment(conn, resource) if environment else (),
            secrets=secrets(conn, resource) if secrets else (),
        )
        plan = plan_group(resource.uid, resource.id.name, group, wish, around)
        return engine.Planned(plan, self._open_credentials(resource, group))

    def _require_engine(self) -> engine.Groups:
        reason = self.around.unavailable()
        if reason or self.around.groups is None:
            raise errors.ContainerEngineUnavailable(reason or "this process runs none.")
        return self.around.groups()

    def _open_credentials(
        self, resource: arm.Resource, group: ContainerGroup
    ) -> engine.Credentials:
        logins = [
            workload.RegistryLogin(
                one.server, one.username or "", one.password or "", one.identity or ""
            )
            for one in group.image_registry_credentials or ()
        ]
        return self.around.open_credentials(resource.uid, logins)
