"""When a cluster may be changed by itself, as its maintenance configurations say. Pure.

Source: https://learn.microsoft.com/azure/aks/planned-maintenance. A month that has not the day of
a schedule is passed over, as in RFC 5545.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from dateutil import rrule

from .maintenance import MaintenanceConfiguration, MaintenanceWindow, Schedule

_DAYS = {
    "Monday": rrule.MO,
    "Tuesday": rrule.TU,
    "Wednesday": rrule.WE,
    "Thursday": rrule.TH,
    "Friday": rrule.FR,
    "Saturday": rrule.SA,
    "Sunday": rrule.SU,
}
_INDICES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}


def is_open(configuration: MaintenanceConfiguration, made: date, now: datetime) -> bool:
    """Tell whether a configuration that was made on a day lets a cluster be changed now."""
    if configuration.maintenance_window is not None:
        return _is_within(configuration.maintenance_window, made, now)
    if any(span.start <= now <= span.end for span in configuration.not_allowed_time or ()):
        return False
    # What is only closed now and then is open otherwise.
    return not configuration.time_in_week or any(
        one.day == f"{now:%A}" and now.hour in one.hour_slots for one in configuration.time_in_week
    )


def _is_within(window: MaintenanceWindow, made: date, now: datetime) -> bool:
    local = now.astimezone(_read_offset(window.utc_offset)).replace(tzinfo=None)
    first = datetime.combine(window.start_date or made, time.fromisoformat(window.start_time))
    opened = rrule.rrule(dtstart=first, **_describe(window.schedule)).before(local, inc=True)
    closed = any(span.start <= local.date() <= span.end for span in window.not_allowed_dates or ())
    hours = timedelta(hours=window.duration_hours)
    return opened is not None and local < opened + hours and not closed


def _describe(schedule: Schedule) -> Mapping[str, Any]:
    """Return a schedule in the words of RFC 5545."""
    if schedule.daily:
        return {"freq": rrule.DAILY, "interval": schedule.daily.interval_days}
    if weekly := schedule.weekly:
        days = {"byweekday": _DAYS[weekly.day_of_week]}
        return {"freq": rrule.WEEKLY, "interval": weekly.interval_weeks, **days}
    if absolute := schedule.absolute_monthly:
        day = {"bymonthday": absolute.day_of_month}
        return {"freq": rrule.MONTHLY, "interval": absolute.interval_months, **day}
    if relative := schedule.relative_monthly:
        day = {"byweekday": _DAYS[relative.day_of_week](_INDICES[relative.week_index])}
        return {"freq": rrule.MONTHLY, "interval": relative.interval_months, **day}
    return {"freq": rrule.DAILY, "count": 0}


def _read_offset(text: str | None) -> timezone:
    if not text:
        return timezone(timedelta())
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text.startswith("-") else offset)
