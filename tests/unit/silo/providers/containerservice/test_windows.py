from datetime import UTC, date, datetime

import pytest

from silo.providers.containerservice.maintenance import MaintenanceConfiguration
from silo.providers.containerservice.windows import is_open

MADE = date(2026, 5, 1)
"""A Friday."""
DAILY = {"daily": {"intervalDays": 2}}
WEEKLY = {"weekly": {"intervalWeeks": 2, "dayOfWeek": "Friday"}}


def ask(moment, **configuration):
    wanted = MaintenanceConfiguration.model_validate(configuration)
    return is_open(wanted, MADE, datetime.fromisoformat(moment).replace(tzinfo=UTC))


def window(schedule, **changes):
    given = {"schedule": schedule, "durationHours": 4, "startTime": "22:00", **changes}
    return {"maintenanceWindow": given}


@pytest.mark.parametrize(
    ("schedule", "moment", "is_now"),
    [
        (DAILY, "2026-05-01T21:59", False),
        (DAILY, "2026-05-01T22:00", True),
        (DAILY, "2026-05-02T01:59", True),
        (DAILY, "2026-05-02T02:00", False),
        (DAILY, "2026-05-02T22:00", False),
        (DAILY, "2026-05-03T22:30", True),
        (WEEKLY, "2026-05-01T23:00", True),
        (WEEKLY, "2026-05-08T23:00", False),
        (WEEKLY, "2026-05-15T23:00", True),
        ({"absoluteMonthly": {"intervalMonths": 2, "dayOfMonth": 31}}, "2026-05-31T22:00", True),
        ({"absoluteMonthly": {"intervalMonths": 2, "dayOfMonth": 31}}, "2026-06-30T22:00", False),
        ({"absoluteMonthly": {"intervalMonths": 2, "dayOfMonth": 31}}, "2026-07-31T22:00", True),
        (
            {
                "relativeMonthly": {
                    "intervalMonths": 1,
                    "weekIndex": "Last",
                    "dayOfWeek": "Monday",
                }
            },
            "2026-06-29T22:00",
            True,
        ),
        (
            {
                "relativeMonthly": {
                    "intervalMonths": 1,
                    "weekIndex": "First",
                    "dayOfWeek": "Monday",
                }
            },
            "2026-06-08T22:00",
            False,
        ),
    ],
)
def test_window_opens_as_often_as_its_schedule_says_and_for_so_long(schedule, moment, is_now):
    assert ask(moment, **window(schedule)) is is_now


@pytest.mark.parametrize(
    ("offset", "moment", "is_now"),
    [
        ("+05:30", "2026-05-01T16:29", False),
        ("+05:30", "2026-05-01T16:30", True),
        ("-08:00", "2026-05-02T05:59", False),
        ("-08:00", "2026-05-02T06:00", True),
    ],
)
def test_hours_are_those_of_the_offset(offset, moment, is_now):
    assert ask(moment, **window(DAILY, utcOffset=offset)) is is_now


def test_no_window_opens_before_its_first_day_or_on_a_closed_one():
    later = window(DAILY, startDate="2026-05-20")
    closed = window(DAILY, notAllowedDates=[{"start": "2026-05-03", "end": "2026-05-04"}])

    assert not ask("2026-05-19T22:30", **later)
    assert ask("2026-05-20T22:30", **later)
    assert not ask("2026-05-03T22:30", **closed)
    assert ask("2026-05-05T22:30", **closed)


def test_hours_of_days_are_open_but_for_the_times_that_are_not_allowed():
    hours = [{"day": "Friday", "hourSlots": [1, 2]}]
    times = [{"start": "2026-05-08T00:00:00Z", "end": "2026-05-09T00:00:00Z"}]

    assert ask("2026-05-01T02:59", timeInWeek=hours)
    assert not ask("2026-05-01T03:00", timeInWeek=hours)
    assert not ask("2026-05-02T02:00", timeInWeek=hours)
    assert not ask("2026-05-08T02:00", timeInWeek=hours, notAllowedTime=times)
    assert ask("2026-05-07T12:00", notAllowedTime=times)
    assert not ask("2026-05-08T12:00", notAllowedTime=times)
