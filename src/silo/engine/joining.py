"""Which routers are tied together: those that name each other."""

from . import dual_stack, links
from .naming import Naming
from .network_state import State
from .routers import Router


def join_peers(state: State, router: Router, names: Naming, mtu: int) -> None:
    """Tie a router to those that it names and that name it; to no other any more."""
    path, joined = names.router_path(router.key), set()
    for peer in router.rules.peers:
        other = state.routers.get(peer.router)
        back = other.rules.find_peer(router.key) if other else None
        if other is not None and back is not None:
            one = links.End(path, router.peer_device, router.uplink, back.space)
            there = names.router_path(other.key)
            two = links.End(there, other.peer_device, other.uplink, peer.space)
            links.join_routers(one, two, mtu)
            for here, other_end in ((one, two), (two, one)):
                wire = (other_end.device, here.device)
                dual_stack.join(here.path, other_end.path, wire, other_end.space)
            joined.add(other.peer_device)
    for device in links.list_devices("p", path):
        if device not in joined:
            links.remove_device(device, path)
