import pytest

from silo import arm
from silo.arm import throttle
from silo.arm.throttle import RequestsThrottled

from .world import GROUP, World


class Hands:
    """A clock that a test moves."""

    seconds = 1000.0

    def monotonic(self):
        return self.seconds


def spend(made, count, method="GET", who="one", subscription="s"):
    for _ in range(count):
        told = made.take(who, subscription, method)
    return told


def test_what_is_left_is_told_by_kind_and_scope():
    made = arm.Throttle(Hands(), 1)

    assert made.take("one", "s", "GET") == {"x-ms-ratelimit-remaining-subscription-reads": "249"}
    assert made.take("one", "s", "HEAD") == {"x-ms-ratelimit-remaining-subscription-reads": "248"}
    assert made.take("one", "s", "PATCH") == {"x-ms-ratelimit-remaining-subscription-writes": "199"}
    assert made.take("one", "s", "DELETE") == {
        "x-ms-ratelimit-remaining-subscription-deletes": "199"
    }
    assert made.take("one", "", "GET") == {"x-ms-ratelimit-remaining-tenant-reads": "249"}


def test_one_who_has_nothing_left_is_told_when_to_come_back_and_others_are_not_held_up():
    clock = Hands()
    made = arm.Throttle(clock, 1)
    spend(made, 200, "PUT")

    with pytest.raises(RequestsThrottled) as refused:
        made.take("one", "s", "PUT")

    assert refused.value.headers == {"retry-after": "1"}
    assert "'write' requests for subscription 's' actor 'one'" in str(refused.value)
    for other in (("two", "s", "PUT"), ("one", "t", "PUT"), ("one", "s", "GET")):
        assert made.take(*other)
    clock.seconds += 1
    assert spend(made, 10, "PUT") == {"x-ms-ratelimit-remaining-subscription-writes": "0"}


def test_a_bucket_never_holds_more_than_it_did_at_first():
    clock = Hands()
    made = arm.Throttle(clock, 2)
    spend(made, 1)
    clock.seconds += 86400

    assert made.take("one", "s", "GET") == {"x-ms-ratelimit-remaining-subscription-reads": "499"}


def test_callers_who_are_gone_are_forgotten(monkeypatch):
    monkeypatch.setattr(throttle, "_KEPT", 10)
    clock = Hands()
    made = arm.Throttle(clock, 1)
    for number in range(100):
        spend(made, 1, who=f"{number}")
        clock.seconds += 1

    assert len(made._buckets) <= 11


class Stingy(World):
    """A gateway that lets everybody read twice."""

    rate = 2 / throttle.AT_ONCE["reads"]


async def test_one_who_asks_too_often_is_refused_in_azures_words_and_nobody_else_is(tmp_path):
    world = Stingy(tmp_path)
    groups = GROUP.rpartition("/")[0]
    left = "x-ms-ratelimit-remaining"
    told = []
    for _ in range(3):
        status, headers, _ = await world.ask("GET", groups)
        told += [(name, value) for name, value in headers.items() if name.startswith(left)]
    status, headers, body = await world.ask("GET", groups)
    other, _, _ = await world.ask("GET", groups, who="reader")
    world.store.close()

    # The first one finds out that there is such a subscription.
    assert told == [
        (f"{left}-tenant-reads", "1"),
        (f"{left}-subscription-reads", "1"),
        (f"{left}-subscription-reads", "0"),
    ]
    assert (status, body["error"]["code"]) == (429, "SubscriptionRequestsThrottled")
    assert int(headers["retry-after"]) >= 1
    assert other == 200
