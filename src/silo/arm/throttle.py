"""How much one caller may ask for: a bucket of tokens for each principal, subscription and kind.

Every serving process counts for itself, as every instance of Azure Resource Manager does.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

import math
from dataclasses import dataclass
from typing import Literal

from silo import core

from .errors import ArmError

Kind = Literal["reads", "writes", "deletes"]
AT_ONCE: dict[Kind, float] = {"reads": 250, "writes": 200, "deletes": 200}
"""Azure's: tokens in a full bucket, one for each request."""
PER_SECOND: dict[Kind, float] = {"reads": 25, "writes": 10, "deletes": 10}
"""Azure's: tokens that come back every second."""
_KEPT = 4096
"""Buckets; beyond, the full ones are thrown away, for they say nothing."""


class RequestsThrottled(ArmError):
    """The caller asks more often than it may."""

    status = 429
    code = "SubscriptionRequestsThrottled"

    def __init__(self, kind: str, subscription: str, actor: str, wait_s: int) -> None:
        scope = f"subscription '{subscription}'" if subscription else "tenant"
        super().__init__(
            f"Number of '{kind}' requests for {scope} actor '{actor}' exceeded. Please try again "
            f"after '{wait_s}' seconds after additional tokens are available. Refer to "
            "https://aka.ms/arm-throttling for additional information.",
            headers={"retry-after": str(wait_s)},
        )


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    """When it was counted last, in seconds of the monotonic clock."""


class Throttle:
    """Counts the requests of every caller."""

    def __init__(self, clock: core.Clock, times_azure: float) -> None:
        """Give every caller so many times what Azure gives."""
        self._clock = clock
        self._times = times_azure
        self._buckets: dict[tuple[str, str, Kind], _Bucket] = {}

    def take(self, principal_id: str, subscription: str, method: str) -> dict[str, str]:
        """Count a request; return the headers that tell what is left.

        An empty subscription is the tenant.

        Raises:
            RequestsThrottled: nothing was left.

        """
        kind = _read_kind(method)
        now = self._clock.monotonic()
        bucket = self._find(principal_id, subscription, kind, now)
        if bucket.tokens < 1:
            wait_s = math.ceil((1 - bucket.tokens) / (PER_SECOND[kind] * self._times))
            raise RequestsThrottled(kind.removesuffix("s"), subscription, principal_id, wait_s)
        bucket.tokens -= 1
        scope = "subscription" if subscription else "tenant"
        return {f"x-ms-ratelimit-remaining-{scope}-{kind}": str(int(bucket.tokens))}

    def _find(self, principal_id: str, subscription: str, kind: Kind, now: float) -> _Bucket:
        key = (principal_id, subscription, kind)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _KEPT:
                self._forget_full(now)
            bucket = self._buckets[key] = _Bucket(AT_ONCE[kind] * self._times, now)
        self._fill(bucket, kind, now)
        return bucket

    def _fill(self, bucket: _Bucket, kind: Kind, now: float) -> None:
        more = (now - bucket.at) * PER_SECOND[kind] * self._times
        bucket.tokens = min(AT_ONCE[kind] * self._times, bucket.tokens + more)
        bucket.at = now

    def _forget_full(self, now: float) -> None:
        for key, bucket in list(self._buckets.items()):
            self._fill(bucket, key[2], now)
            if bucket.tokens >= AT_ONCE[key[2]] * self._times:
                del self._buckets[key]


def _read_kind(method: str) -> Kind:
    if method in {"GET", "HEAD"}:
        return "reads"
    return "deletes" if method == "DELETE" else "writes"
