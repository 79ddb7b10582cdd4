"""What runs clusters, put together: by the control process alone, and only where it can."""

import hmac
from collections.abc import Callable, Collection
from ipaddress import IPv4Network

from silo import arm, core, engine, identity, kube
from silo.providers import containerservice, network
from silo.settings import Settings


def find_reason(settings: Settings, no_containers: str) -> str:
    """Return why no clusters are run here, given why no containers are; nothing when they are."""
    if not settings.run_clusters:
        return "clusters are switched off here; their operator has to want them: silo up --clusters"
    if no_containers or kube.find_kits():
        return no_containers
    return "clusters need the silo-kubernetes package, which is not installed"


def describe_directory(settings: Settings, store: core.Store) -> kube.Directory:
    """Return how clusters find out who somebody is."""
    tenant = store.read_now(identity.get_tenant)
    return kube.Directory(
        issuer=identity.render_issuer(tenant, settings.names.urls, 1),
        audience=identity.AKS_APP_ID,
        tenant=tenant.id,
        authority=settings.public / ("server.pem" if settings.tls_cert else "ca.pem"),
        login=settings.names.urls.login,
        authorizer=f"{settings.names.urls.kubernetes}/clusters/{{}}/authorize",
        make_token=open_tokens(settings),
    )


def open_tokens(settings: Settings) -> Callable[[str], str]:
    """Return what makes the word by which a cluster is known when it asks."""
    # A key of its own, derived: it says nothing of the one it comes from (RFC 5869 section 2.3).
    secret = (settings.keys / "vault.key").read_bytes()
    key = hmac.digest(secret, b"silo authorizer of clusters\x01", "sha256")
    return lambda uid: hmac.digest(key, uid.encode(), "sha256").hex()


def open_clusters(
    settings: Settings,
    clock: core.Clock,
    store: core.Store,
    *,
    binaries: engine.Binaries,
    networks: engine.Networks,
    serve: kube.Serve,
    serve_names: kube.Serve,
    leave: kube.Serve,
    addresses: kube.Addresses,
    shares: kube.Shares,
) -> kube.Clusters:
    """Return what tends clusters, not started yet."""
    return kube.Clusters(
        kube.Ground(
            instance=settings.id,
            state=settings.clusters,
            run=engine.Paths.of_instance(settings.state, settings.id).run,
            bundle=settings.bundle,
            kits=kube.find_kits(),
            binaries=binaries,
            networks=networks,
            clock=clock,
            serve=serve,
            serve_names=serve_names,
            leave=leave,
            addresses=addresses,
            shares=shares,
            registries=(f"*.{settings.names.urls.registry_suffix}",),
            directory=describe_directory(settings, store),
        )
    )


def describe_surroundings(
    settings: Settings,
    resources: arm.Resources,
    placements: network.Placements,
    *,
    no_containers: str,
    clusters: kube.Clusters | None,
) -> containerservice.Surroundings:
    """Return what clusters are given by the rest of the house."""
    reason = find_reason(settings, no_containers)
    run = engine.Paths.of_instance(settings.state, settings.id).run
    machine = engine.read_capacity()
    return containerservice.Surroundings(
        resources=resources,
        domain=settings.domain,
        tenant=settings.tenant_id,
        issuers=settings.names.urls.oidc,
        unavailable=lambda: reason,
        machine=kube.Size(machine.cores, machine.memory_bytes),
        kits=kube.find_kits(),
        locate=lambda uid: kube.ClusterPaths.of_cluster(settings.clusters, run, uid),
        lease_public=placements.lease_public,
        release=placements.release,
        reserved=tuple(map(IPv4Network, placements.pools.everything)),
        clusters=(lambda: clusters) if clusters is not None else None,
    )


def open_issuers(settings: Settings, resources: arm.Resources) -> containerservice.TokenIssuers:
    """Return the token issuers of all clusters."""
    run = engine.Paths.of_instance(settings.state, settings.id).run
    return containerservice.TokenIssuers(
        resources=resources,
        tenant=settings.tenant_id,
        address=settings.names.urls.oidc,
        locate=lambda uid: kube.ClusterPaths.of_cluster(settings.clusters, run, uid),
    )


def list_owners(resources: arm.Resources) -> Callable[[], Collection[str]]:
    """Return what lists the clusters that may have something on this machine."""

    def read(conn: core.Connection) -> list[str]:
        every = resources.list(conn, arm.parse_resource_id("/"), containerservice.FULL_TYPE)
        return [one.uid for one in every]

    return lambda: resources.store.read_now(read)
