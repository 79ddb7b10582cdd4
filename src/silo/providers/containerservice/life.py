"""What a cluster goes through between its making and its end: stopped, started, rotated."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core

from . import errors
from .surroundings import Surroundings
from .wish import Wish, read_wish, store_wish


@dataclass(frozen=True, slots=True)
class Life:
    """The handlers of the POST actions that want a cluster to be otherwise."""

    around: Surroundings

    async def start(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Run a stopped cluster again."""
        return await self._change(call, resource, lambda wish: replace(wish, running=True))

    async def stop(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """End a cluster's programs; its addresses, and what it stored, stay."""
        return await self._change(call, resource, lambda wish: replace(wish, running=False))

    async def rotate(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Issue every certificate anew, the authorities' too, and have all start with them."""

        def begin(wish: Wish) -> Wish:
            if not wish.running:
                raise errors.ClusterStopped
            return replace(wish, rotation=wish.rotation + 1)

        return await self._change(call, resource, begin)

    async def rotate_signing_key(
        self, call: arm.Call, resource: arm.Resource, _body: Any
    ) -> arm.Reply:
        """Sign the tokens of service accounts with another key; those of before stay good."""

        def begin(wish: Wish) -> Wish:
            if not wish.running:
                raise errors.ClusterStopped
            if not wish.issuer:
                raise errors.IssuerNotEnabled
            return replace(wish, signing=wish.signing + 1)

        return await self._change(call, resource, begin)

    async def abort(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Leave what is being done as it is."""
        return await abort(self.around.resources, call, resource.id)

    async def _change(
        self, call: arm.Call, resource: arm.Resource, begin: Callable[[Wish], Wish]
    ) -> arm.Reply:
        """Store another wish, which the control process makes true; 204 when it is true."""
        reason = self.around.unavailable()
        if reason:
            raise errors.KubernetesUnavailable(reason)
        resources = self.around.resources

        def write(conn: core.Connection) -> arm.Resource | None:
            current = resources.get(conn, resource.id)
            if not current.is_settled:
                raise errors.OperationPending(current.state)
            wish = read_wish(current)
            wanted = begin(wish)
            call.record(conn, 202)
            if wanted == wish and current.state == "Succeeded":
                return None
            changed = replace(
                store_wish(current, replace(wanted, halted=False)),
                generation=current.generation + 1,
                changed=arm.make_stamp(call.now, call.principal, call.correlation_id),
            )
            return resources.put(conn, changed)

        written = await resources.store.write(write)
        if written is None:
            return arm.Reply(204)
        return arm.Reply(202, None, arm.render_headers(call, written))


async def abort(resources: arm.Resources, call: arm.Call, cluster: arm.ResourceId) -> arm.Reply:
    """Wish that a cluster stays as far as it came; whoever writes it next goes on.

    Raises:
        NothingToAbort, AbortNotAllowed.

    """

    def write(conn: core.Connection) -> arm.Resource:
        current = resources.get(conn, cluster)
        wish = read_wish(current)
        if current.is_settled:
            raise errors.NothingToAbort
        if current.deleting or not wish.running:
            raise errors.AbortNotAllowed("Deleting" if current.deleting else "Stopping")
        call.record(conn, 202)
        changed = replace(
            store_wish(current, replace(wish, halted=True)),
            generation=current.generation + 1,
            changed=arm.make_stamp(call.now, call.principal, call.correlation_id),
        )
        return resources.put(conn, changed)

    written = await resources.store.write(write)
    return arm.Reply(202, None, arm.render_headers(call, written, aborting=True))
