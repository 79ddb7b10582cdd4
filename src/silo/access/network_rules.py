"""From where a data plane may be reached."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """The addresses that are let in; signing in comes after."""

    public: bool = True
    default_allow: bool = True
    allowed: tuple[str, ...] = ()
    """Addresses and CIDR ranges."""

    def admits(self, client_ip: str) -> bool:
        """Tell whether a client's address is let in; what cannot be checked is not."""
        if not self.public:
            return False
        if self.default_allow:
            return True
        try:
            address = ipaddress.ip_address(client_ip)
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(item, strict=False) for item in self.allowed)

    @property
    def is_open(self) -> bool:
        """Whether it may be reached from everywhere."""
        return self.public and self.default_allow
