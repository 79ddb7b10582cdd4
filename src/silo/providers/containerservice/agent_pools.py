"""Pools and machines as resources of their own; they are kept with their cluster, as one wish.

A pool that is written is a cluster that is written with it: the same rules, the same transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from silo import arm, core

from . import errors, machines
from .checks import check_cluster
from .life import abort
from .pools import USER, require_system
from .properties import ManagedCluster
from .showing import POOL_TYPE, list_machines, list_pools, show_pool
from .surroundings import Surroundings
from .wish import HIDDEN, name_machine, read_cluster, read_wish
from .writing import Writing

_PROPERTIES = "agentPoolProfiles"
_OURS = frozenset({"id", "type", "eTag", "systemData"})

Pools = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AgentPools:
    """The handlers of ``managedClusters/agentPools`` and what is below."""

    around: Surroundings

    def list_operations(self, cluster: str) -> tuple[arm.Operation, ...]:
        """Return the routes below a cluster's."""
        pools, pool = f"{cluster}/agentPools", f"{cluster}/agentPools/{{pool}}"
        machine = f"{pool}/machines"
        return (
            arm.Operation(f"{POOL_TYPE}/read", "GET", pools, self.list),
            arm.Operation(f"{POOL_TYPE}/read", "GET", pool, self.get),
            arm.Operation(f"{POOL_TYPE}/write", "PUT", pool, self.put, statuses=(200, 201)),
            arm.Operation(f"{POOL_TYPE}/delete", "DELETE", pool, self.delete, statuses=(202, 204)),
            arm.Operation(f"{POOL_TYPE}/machines/read", "GET", machine, self.list_machines),
            arm.Operation(
                f"{POOL_TYPE}/machines/read", "GET", f"{machine}/{{machine}}", self.get_machine
            ),
            arm.Operation(
                f"{POOL_TYPE}/upgradeNodeImageVersion/action",
                "POST",
                f"{pool}/upgradeNodeImageVersion",
                self.upgrade_image,
                statuses=(200, 202),
            ),
            arm.Operation(
                f"{POOL_TYPE}/abort/action", "POST", f"{pool}/abort", self.abort, statuses=(202,)
            ),
            arm.Operation(
                f"{POOL_TYPE}/deleteMachines/action",
                "POST",
                f"{pool}/deleteMachines",
                self.delete_machines,
                statuses=(202,),
            ),
        )

    async def list(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the pools of a cluster."""
        return arm.Reply(200, {"value": list_pools(self._read(match), runs=self._runs())})

    async def get(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer one pool."""
        return arm.Reply(200, self._require_pool(self._read(match), match["pool"]))

    async def put(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Have a pool be as the body says, made or changed."""
        name, document = match["pool"], _require_object(body)
        given = {
            key: value
            for key, value in (_require_object(document.get("properties") or {})).items()
            if key not in _OURS
        }
        statuses: list[int] = []

        def change(current: arm.Resource, pools: Pools) -> tuple[arm.Resource, Pools]:
            found = _find(pools, name)
            statuses.append(201 if found is None else 200)
            given.setdefault("mode", USER if found is None else found["mode"])
            if found is not None and given.get("count") is None:
                given["count"] = found["count"]
            pool = {**given, "name": found["name"] if found else name}
            return current, [*(one for one in pools if one is not found), pool]

        resource = await self._change(call, match, change, lambda: statuses[-1])
        shown = self._require_pool(resource, name)
        return arm.Reply(statuses[-1], shown, arm.render_headers(call, resource))

    async def delete(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Have a pool go, once its nodes are drained."""
        name = match["pool"]
        if call.query.get("ignore-pod-disruption-budget", "").lower() == "true":
            raise errors.PropertyNotSupported("ignore-pod-disruption-budget", "true")
        if show_pool(self._read(match), name, runs=self._runs()) is None:
            return arm.Reply(204)

        def change(current: arm.Resource, pools: Pools) -> tuple[arm.Resource, Pools]:
            left = [one for one in pools if one is not _find(pools, name)]
            require_system(left)
            # As if it had never been: what a write does not name would stay.
            return current.with_properties(**{_PROPERTIES: left}), left

        resource = await self._change(call, match, change, lambda: 202, deleting=True)
        return arm.Reply(202, None, arm.render_headers(call, resource))

    async def delete_machines(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Have these machines of a pool go, and no others come for them."""
        names = _require_object(body).get("machineNames")
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise errors.PropertyRequired("machineNames")

        def change(current: arm.Resource, pools: Pools) -> tuple[arm.Resource, Pools]:
            pool, wish = _find(pools, match["pool"]), read_wish(current)
            if pool is None:
                raise errors.PoolNotFound(match["pool"], current.id.name)
            memory = machines.settle(wish.machines, read_cluster(current).agent_pool_profiles or ())
            numbers = {
                name_machine(current, pool["name"], number).casefold(): number
                for number, _ in machines.list_live(memory, pool["name"])
            }
            for name in names:
                if name.casefold() not in numbers:
                    raise errors.MachineNotFound(name, pool["name"])
            going = {numbers[name.casefold()] for name in names}
            left = {**pool, "count": len(numbers) - len(going)}
            kept = replace(wish, machines=machines.drop(memory, pool["name"], going))
            after = [left if one is pool else one for one in pools]
            # As if they had never been: an autoscaled pool keeps the number that it has.
            current = current.with_properties(**{HIDDEN: kept.store(), _PROPERTIES: after})
            return current, after

        resource = await self._change(call, match, change, lambda: 202)
        return arm.Reply(202, None, arm.render_headers(call, resource))

    async def upgrade_image(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Have the nodes of a pool be made from the latest image of their version."""
        name = match["pool"]
        kits, shown = self.around.kits, self._require_pool(self._read(match), name)["properties"]
        kit = kits.get(shown["orchestratorVersion"])
        latest = kit.image if kit else shown.get("nodeImageVersion")
        if (shown.get("nodeImageVersion"), shown["provisioningState"]) == (latest, "Succeeded"):
            return arm.Reply(200, self._require_pool(self._read(match), name))

        def change(current: arm.Resource, pools: Pools) -> tuple[arm.Resource, Pools]:
            found = _find(pools, name)
            newer = [{**one, "nodeImageVersion": latest} if one is found else one for one in pools]
            return current, newer

        resource = await self._change(call, match, change, lambda: 202)
        shown = self._require_pool(resource, name)
        return arm.Reply(202, shown, arm.render_headers(call, resource))

    async def abort(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Leave what is being done as it is: a pool is written with its cluster."""
        resource = self._read(match)
        self._require_pool(resource, match["pool"])
        return await abort(self.around.resources, call, resource.id)

    async def list_machines(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the machines of a pool."""
        resource = self._read(match)
        pool = self._require_pool(resource, match["pool"])
        return arm.Reply(200, {"value": list_machines(resource, pool)})

    async def get_machine(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer one machine."""
        resource, name = self._read(match), match["machine"]
        pool = self._require_pool(resource, match["pool"])
        for machine in list_machines(resource, pool):
            if machine["name"].casefold() == name.casefold():
                return arm.Reply(200, machine)
        raise errors.MachineNotFound(name, pool["name"])

    async def _change(
        self,
        call: arm.Call,
        match: arm.Match,
        change: Callable[[arm.Resource, Pools], tuple[arm.Resource, Pools]],
        status: Callable[[], int],
        *,
        deleting: bool = False,
    ) -> arm.Resource:
        """Write a cluster with other pools; one that is no cluster's any more is not written."""
        resources = self.around.resources

        def write(conn: core.Connection) -> arm.Resource:
            cluster = arm.check_scope(conn, _find_cluster(match.id), child=True, writing=True)
            found = resources.get(conn, cluster)
            arm.check_locks(conn, match.id, deleting=deleting)
            if call.if_match and call.if_match != "*":
                raise arm.PreconditionFailed(call.if_match)
            current, pools = change(found, list(found.properties[_PROPERTIES]))
            document = {
                **current.document,
                "properties": {**current.properties, _PROPERTIES: pools},
            }
            wanted = _read_shape(document["properties"])
            asked = arm.Change(call, cluster, wanted, current, document)
            asked = replace(asked, wanted=check_cluster(asked))
            stamp = arm.make_stamp(call.now, call.principal, call.correlation_id)
            next_ = replace(found, generation=found.generation + 1, changed=stamp)
            written = Writing(self.around).write(conn, asked, next_)
            call.record(conn, status())
            return resources.put(conn, written)

        return await resources.store.write(write)

    def _require_pool(self, resource: arm.Resource, name: str) -> Mapping[str, Any]:
        found = show_pool(resource, name, runs=self._runs())
        if found is None:
            raise errors.PoolNotFound(name, resource.id.name)
        return found

    def _read(self, match: arm.Match) -> arm.Resource:
        resources, id_ = self.around.resources, _find_cluster(match.id)
        return resources.store.read_now(lambda conn: resources.get(conn, id_))

    def _runs(self) -> bool:
        return not self.around.unavailable()


def _require_object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise arm.InvalidRequestContent("The request content is not a JSON object.")
    return body


def _read_shape(properties: Mapping[str, Any]) -> ManagedCluster:
    try:
        return ManagedCluster.model_validate(dict(properties))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = problem["loc"][-1] if problem["loc"] else "properties"
        raise arm.InvalidRequestContent(f"Path 'properties.{place}': {problem['msg']}") from None


def _find_cluster(id_: arm.ResourceId) -> arm.ResourceId:
    while id_.type != "managedClusters" and id_.parent is not None:
        id_ = id_.parent
    return id_


def _find(pools: Pools, name: str) -> dict[str, Any] | None:
    return next((one for one in pools if one["name"].casefold() == name.casefold()), None)
