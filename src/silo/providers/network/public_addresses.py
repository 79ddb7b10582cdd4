"""Public IP addresses: taken from the instance's pool, and given back."""

from dataclasses import dataclass

from silo import arm, core, engine

from .errors import NotSupported, PublicAddressesExhausted
from .properties import PublicAddress

_UNSUPPORTED = {
    "publicIPPrefix": "A public IP prefix",
    "ddosSettings": "DDoS protection",
    "natGateway": "A NAT gateway",
    "linkedPublicIPAddress": "A linked public IP address",
    "servicePublicIPAddress": "A service public IP address",
    "ipTags": "An IP tag",
    "dnsSettings": "A DNS label of a public IP address (container groups have theirs)",
}
_SKUS = {"basic": "Basic", "standard": "Standard"}


def check_address(change: arm.Change[PublicAddress]) -> PublicAddress | None:
    """Refuse what would be promised and not kept."""
    extra = change.wanted.model_extra or {}
    for key, what in _UNSUPPORTED.items():
        if extra.get(key):
            raise NotSupported(what)
    if change.wanted.public_ip_address_version != "IPv4":
        raise NotSupported("A public IPv6 address")
    sku = _read_sku(change)
    if sku == "Standard" and change.wanted.public_ip_allocation_method != "Static":
        raise arm.InvalidParameter(
            "Standard sku publicIp must have AllocationMethod set to Static."
        )
    return None


@dataclass(frozen=True, slots=True)
class PublicAddresses:
    """What needs the pool besides."""

    pools: engine.Pools

    def write(
        self, conn: core.Connection, change: arm.Change[PublicAddress], resource: arm.Resource
    ) -> arm.Resource:
        """Give a static address at once; a dynamic one comes with a use, and there is none."""
        sku = _read_sku(change)
        properties = {key: each for key, each in resource.properties.items() if key != "ipAddress"}
        if change.wanted.public_ip_allocation_method == "Static":
            properties["ipAddress"] = lease_public(conn, self.pools, resource.uid)
        else:
            engine.release_addresses(conn, resource.uid)
        return resource.with_document(properties=properties, sku={"name": sku, "tier": "Regional"})

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Give the address back."""
        engine.release_addresses(conn, resource.uid)


def lease_public(conn: core.Connection, pools: engine.Pools, owner: str) -> str:
    """Return the owner's public address, giving it one if it has none."""
    reserved = range(1) if pools.public.prefixlen < 31 else None  # noqa: PLR2004 - /31: no network address
    try:
        found = engine.lease_address(conn, engine.PUBLIC, pools.public, owner, reserved=reserved)
    except engine.PoolExhausted:
        raise PublicAddressesExhausted from None
    return str(found)


def _read_sku(change: arm.Change[PublicAddress]) -> str:
    sku = change.document.get("sku")
    name = sku.get("name", "Basic") if isinstance(sku, dict) else "Basic"
    if not isinstance(name, str) or name.casefold() not in _SKUS:
        raise NotSupported(f"The SKU {str(name)[:50]} of a public IP address")
    if isinstance(sku, dict) and str(sku.get("tier") or "Regional") != "Regional":
        raise NotSupported("The tier Global of a public IP address")
    return _SKUS[name.casefold()]
