"""Which unused images go, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from silo.engine import image_sweep
from silo.engine.api import images_pb2

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("age", "full", "begun", "goes"),
    [
        (8 * DAY, 0.1, False, True),
        (6 * DAY, 0.85, False, False),
        (HOUR, 0.86, False, True),
        (HOUR, 0.82, False, False),
        (HOUR, 0.82, True, True),
        (HOUR, 0.79, True, False),
        (20 * MINUTE, 0.99, True, False),
    ],
)
def test_an_image_goes_after_a_week_or_when_the_disk_is_full(
    age: timedelta, full: float, begun: bool, goes: bool
) -> None:
    assert image_sweep.choose(age, full, begun=begun) is goes


def test_an_image_of_which_no_use_is_known_was_used_when_it_came() -> None:
    came, used = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    image = images_pb2.Image(name="sha256:0")
    image.created_at.FromDatetime(came)
    assert image_sweep.read_use(image) == came

    image.labels["silo.used-at"] = used.isoformat()
    assert image_sweep.read_use(image) == used
