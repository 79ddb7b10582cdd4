"""Other firewalls of the machine, which have a say in what it forwards.

A packet passes only if every table lets it. Docker's drops what it does not know, and has a chain
where others may say what is theirs; of any further one the log tells.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from . import nft
from .nft import Command
from .rules import match, meta

log = structlog.get_logger()

_DOCKER = {"family": "ip", "table": "filter", "chain": "DOCKER-USER"}


def admit(prefix: str, comment: str) -> None:
    """Have Docker let devices of ours pass, and warn of others that do not; repeatable."""
    chains = list(_list({"list": {"chains": None}}))
    if not any(_is_dockers(chain["chain"]) for chain in chains):
        _warn(chain["chain"] for chain in chains)
        return
    new = [
        {"insert": {"rule": {**_DOCKER, "expr": expressions, "comment": comment}}}
        for expressions in (
            [match(meta("iifname"), f"{prefix}*"), {"accept": None}],
            [match(meta("oifname"), f"{prefix}*"), {"accept": None}],
        )
    ]
    nft.run([*_find_ours(comment), *new])


def withdraw(comment: str) -> None:
    """Take back what ``admit`` said."""
    chains = _list({"list": {"chains": None}})
    if any(_is_dockers(chain["chain"]) for chain in chains):
        nft.run(_find_ours(comment))


def _find_ours(comment: str) -> list[Command]:
    """Return the commands that delete our rules of an earlier start."""
    chain = {**_DOCKER, "name": _DOCKER["chain"]}
    del chain["chain"]
    return [
        {"delete": {"rule": {**_DOCKER, "handle": item["rule"]["handle"]}}}
        for item in _list({"list": {"chain": chain}})
        if "rule" in item and item["rule"].get("comment") == comment
    ]


def _list(command: Command) -> Iterator[Mapping[str, Any]]:
    answer = nft.run([command]) or {}
    for item in answer.get("nftables", ()):
        if "chain" in item or "rule" in item:
            yield item


def _is_dockers(chain: Mapping[str, Any]) -> bool:
    return all(
        chain.get(key) == value
        for key, value in (("family", "ip"), ("table", "filter"), ("name", "DOCKER-USER"))
    )


def _warn(chains: Iterator[Mapping[str, Any]]) -> None:
    for chain in chains:
        if chain.get("hook") == "forward" and chain.get("policy") == "drop":
            log.warning(
                "another firewall drops what it does not know; let devices of groups pass there",
                family=chain["family"],
                table=chain["table"],
                chain=chain["name"],
            )
