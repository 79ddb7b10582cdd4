"""The handlers beside the verbs: credentials, pools, versions."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from silo import arm, core, kube

from . import errors
from .agent_pools import AgentPools
from .entra import choose_program
from .showing import has_public_name, render_cluster
from .surroundings import Surroundings
from .upgrades import list_recent, render_cluster_profile, render_pool_profile
from .versions import render_versions
from .wish import read_cluster, read_wish


@dataclass(frozen=True, slots=True)
class Operations:
    """What is asked of clusters beyond their verbs."""

    around: Surroundings

    async def list_user_credential(
        self, call: arm.Call, resource: arm.Resource, _body: Any
    ) -> arm.Reply:
        """Answer a user's kubeconfig: as in Azure an administrator's, where Entra is not asked."""
        if read_cluster(resource).aad_profile is None:
            return await self._hand_out(call, resource, "clusterUser")
        self._require_clusters()
        id_, kind = resource.id, "clusterUser"
        text = kube.render_person(
            self.around.locate(resource.uid),
            _choose_name(call, resource),
            cluster=id_.name,
            user=f"{kind}_{id_.group}_{id_.name}",
            program=choose_program(call.query.get("format", ""), self.around.tenant),
        )
        return _render_config(kind, text, id_.name)

    async def list_admin_credential(
        self, call: arm.Call, resource: arm.Resource, _body: Any
    ) -> arm.Reply:
        """Answer an administrator's kubeconfig."""
        if read_cluster(resource).disable_local_accounts:
            raise errors.LocalAccountsDisabled
        return await self._hand_out(call, resource, "clusterAdmin")

    async def _hand_out(self, call: arm.Call, resource: arm.Resource, kind: str) -> arm.Reply:
        self._require_clusters()
        id_ = resource.id
        text = kube.render_admin(
            self.around.locate(resource.uid),
            _choose_name(call, resource),
            cluster=id_.name,
            user=f"{kind}_{id_.group}_{id_.name}",
            now=call.now,
        )
        reply = _render_config(kind, text, id_.name)
        # A certificate opens the cluster for two years: that it was given is on record before.
        await self.around.resources.store.write(lambda conn: call.record(conn, 200))
        return reply

    async def get_upgrades(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the versions that a cluster can be brought to."""
        resource = self._find(match)
        current = read_wish(resource).version
        profile = render_cluster_profile(resource.id.text, current, self.around.kits)
        return arm.Reply(200, profile)

    async def get_pool_upgrades(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Answer the versions that a pool can be brought to."""
        pool = (await AgentPools(self.around).get(call, match, body)).body
        shown = pool["properties"]
        current, wish = shown["currentOrchestratorVersion"], read_wish(self._find(match))
        now = (current, shown.get("nodeImageVersion") or "")
        recent = list_recent(wish.history, pool["name"], now, self.around.kits)
        profile = render_pool_profile(pool["id"], current, wish.version, self.around.kits, recent)
        return arm.Reply(200, profile)

    async def list_versions(self, _call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the versions that clusters can have."""
        kits = () if self.around.unavailable() else self.around.kits
        return arm.Reply(200, {"values": render_versions(kits)})

    def render(self, resource: arm.Resource, _call: arm.Call) -> Mapping[str, Any]:
        """Return the properties that are laid over a cluster's stored ones."""
        return render_cluster(resource, runs=not self.around.unavailable())

    def _require_clusters(self) -> None:
        reason = self.around.unavailable()
        if reason:
            raise errors.KubernetesUnavailable(reason)

    def _find(self, match: arm.Match) -> arm.Resource:
        resources = self.around.resources
        cluster = match.id
        while cluster.type != "managedClusters" and cluster.parent is not None:
            cluster = cluster.parent

        def read(conn: core.Connection) -> arm.Resource:
            return resources.get(conn, cluster)

        return resources.store.read_now(read)


def _choose_name(call: arm.Call, resource: arm.Resource) -> str:
    """Return the name by which a client is to find the API server."""
    wish = read_wish(resource)
    if not wish.private_fqdn:
        return wish.fqdn
    if call.query.get("server-fqdn", "").casefold() != "public":
        return wish.private_fqdn
    if not has_public_name(resource):
        raise errors.PublicNameDisabled
    return wish.fqdn


def _render_config(kind: str, text: str | None, cluster: str) -> arm.Reply:
    if text is None:
        raise errors.ClusterNotReady(cluster)
    value = base64.b64encode(text.encode()).decode()
    return arm.Reply(200, {"kubeconfigs": [{"name": kind, "value": value}]})
