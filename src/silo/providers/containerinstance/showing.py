"""A group as Azure shows it: the wish, and what the engine has seen of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from silo import arm, core, engine

from .sealing import HIDDEN
from .wish import Wish, read_wish


def observe_group(conn: core.Connection, resource: arm.Resource) -> dict[str, Any]:
    """Return the properties that the document does not hold; the ``view`` of the type."""
    return show_group(resource, engine.read_view(conn, resource.uid))


def show_group(resource: arm.Resource, view: engine.GroupView | None) -> dict[str, Any]:
    """Return the properties that are laid over the stored ones."""
    wish = read_wish(resource)
    view = view or engine.GroupView(level=engine.Level(wish.level))
    properties = resource.properties
    shown: dict[str, Any] = {
        HIDDEN: None,
        "containers": [_show_container(one, view) for one in properties.get("containers") or ()],
        "initContainers": [
            _show_container(one, view) for one in properties.get("initContainers") or ()
        ],
        "instanceView": {
            "state": view.state.value,
            "events": _show_events(view.events),
            "isolation": view.level.value,
        },
    }
    if properties.get("ipAddress"):
        shown["ipAddress"] = _show_address(properties["ipAddress"], wish, view)
    return shown


def _show_container(container: Mapping[str, Any], view: engine.GroupView) -> dict[str, Any]:
    properties = dict(container["properties"])
    properties.setdefault("environmentVariables", [])
    properties.setdefault("ports", [])
    seen = view.find(container["name"])
    if seen is not None:
        shown: dict[str, Any] = {
            "restartCount": seen.restart_count,
            "currentState": _show_state(seen.current),
            "events": _show_events(seen.events),
        }
        if seen.previous is not None:
            shown["previousState"] = _show_state(seen.previous)
        properties["instanceView"] = shown
    return {**container, "properties": properties}


def _show_state(state: engine.ContainerState) -> dict[str, Any]:
    shown: dict[str, Any] = {"state": state.state.value, "detailStatus": state.detail}
    if state.start is not None:
        shown["startTime"] = core.render_time(state.start)
    if state.finish is not None:
        shown["finishTime"] = core.render_time(state.finish)
    if state.exit_code is not None:
        shown["exitCode"] = state.exit_code
    return shown


def _show_events(events: Sequence[engine.Event]) -> list[dict[str, Any]]:
    return [
        {
            "count": one.count,
            "firstTimestamp": core.render_time(one.first),
            "lastTimestamp": core.render_time(one.last),
            "name": one.name,
            "message": one.message,
            "type": one.type,
        }
        for one in events
    ]


def _show_address(address: Mapping[str, Any], wish: Wish, view: engine.GroupView) -> dict[str, Any]:
    shown = {name: value for name, value in address.items() if name not in {"ip", "fqdn"}}
    public = str(address.get("type")).casefold() == "public"
    ip = wish.public_address if public else view.address
    if ip:
        shown["ip"] = ip
    if wish.fqdn:
        shown["fqdn"] = wish.fqdn
    return shown
