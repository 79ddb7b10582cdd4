"""Maintenance configurations: when a cluster may be changed by itself. Wire shapes and their rule.

Source: https://learn.microsoft.com/azure/aks/planned-maintenance (schedules, their bounds).
"""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from silo import arm

from . import errors

FULL_TYPE = "Microsoft.ContainerService/managedClusters/maintenanceConfigurations"
GENERAL = "default"
VERSIONS, NODES = "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"
NAMES = (GENERAL, VERSIONS, NODES)
_FIRST_DAY = date(2000, 1, 1)
"""Schedules are reckoned from their first day on."""
_LAST_HOUR = 23
Day = Literal["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]


class TimeInWeek(arm.Shape):
    """Hours of one day that are open."""

    day: Day
    hour_slots: tuple[int, ...] = ()


class TimeSpan(arm.Shape):
    """A time that is closed."""

    start: datetime
    end: datetime


class DateSpan(arm.Shape):
    """Days that are closed."""

    start: date
    end: date


class Daily(arm.Shape):
    """Every so many days."""

    interval_days: int = Field(ge=1, le=7)


class Weekly(arm.Shape):
    """Every so many weeks."""

    interval_weeks: int = Field(ge=1, le=4)
    day_of_week: Day


class AbsoluteMonthly(arm.Shape):
    """Every so many months, on a date."""

    interval_months: int = Field(ge=1, le=6)
    day_of_month: int = Field(ge=1, le=31)


class RelativeMonthly(arm.Shape):
    """Every so many months, on a day of a week."""

    interval_months: int = Field(ge=1, le=6)
    week_index: Literal["First", "Second", "Third", "Fourth", "Last"]
    day_of_week: Day


class Schedule(arm.Shape):
    """How often; one of the four."""

    daily: Daily | None = None
    weekly: Weekly | None = None
    absolute_monthly: AbsoluteMonthly | None = None
    relative_monthly: RelativeMonthly | None = None


class MaintenanceWindow(arm.Shape):
    """How often, from when on, how long."""

    schedule: Schedule
    duration_hours: int = Field(ge=4, le=24)
    start_time: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    start_date: date | None = Field(default=None, ge=_FIRST_DAY)
    utc_offset: str | None = Field(default=None, pattern=r"^[-+](0\d|1[0-4]):[0-5]\d$")
    not_allowed_dates: tuple[DateSpan, ...] | None = None


class MaintenanceConfiguration(arm.Shape):
    """What is stored under one of the three names."""

    time_in_week: tuple[TimeInWeek, ...] | None = None
    not_allowed_time: tuple[TimeSpan, ...] | None = None
    maintenance_window: MaintenanceWindow | None = None


def check_maintenance(change: arm.Change[MaintenanceConfiguration]) -> None:
    """Hold a configuration to what its name stands for."""
    wanted, window = change.wanted, change.wanted.maintenance_window
    weekly = bool(wanted.time_in_week or wanted.not_allowed_time)
    if change.id.name != GENERAL and (weekly or window is None):
        raise errors.MaintenanceInvalid(
            f"{change.id.name} needs a maintenanceWindow, and takes nothing else."
        )
    if weekly == (window is not None):
        raise errors.MaintenanceInvalid(
            "Either timeInWeek and notAllowedTime are given, or a maintenanceWindow."
        )
    if any(
        not 0 <= hour <= _LAST_HOUR for one in wanted.time_in_week or () for hour in one.hour_slots
    ):
        raise errors.MaintenanceInvalid("hourSlots are hours from 0 to 23.")
    spans = [*(wanted.not_allowed_time or ())]
    if any(span.end < span.start for span in spans):
        raise errors.MaintenanceInvalid("A time span ends before it begins.")
    if window is None:
        return
    if any(span.end < span.start for span in window.not_allowed_dates or ()):
        raise errors.MaintenanceInvalid("A date span ends before it begins.")
    given = window.schedule.model_dump(exclude_none=True, include=set(Schedule.model_fields))
    if len(given) != 1:
        raise errors.MaintenanceInvalid("A schedule is exactly one of the four kinds.")
    if change.id.name == GENERAL and "weekly" not in given:
        raise errors.MaintenanceInvalid("The schedule of 'default' is weekly.")
