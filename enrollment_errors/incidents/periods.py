"""The periods that an operator can choose: when each begins, and the steps of its charts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from math import ceil

from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone_name, get_default_timezone, get_default_timezone_name, make_aware
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import conf
from .models import DayCount

PERIODS: Mapping[str, str | Promise] = {
    "hour": _("Last hour"),
    "day": _("Last 24 hours"),
    "week": _("Last 7 days"),
    "month": _("Last 30 days"),
    "all": _("All that is kept"),
}
DEFAULT = "month"

_DAYS = {"week": 7, "month": 30}
_STEPS = {"hour": timedelta(minutes=5), "day": timedelta(hours=1)}
_BARS = {"hour": 12, "day": 24}
_MOST_BARS = 60


@dataclass(frozen=True, kw_only=True)
class Period:
    """``starts`` are the starts of its bars, ``step`` apart: moments in UTC, or days in the site's time zone. The last
    bar has not ended yet."""

    words: str | Promise
    starts: Sequence[date]
    step: timedelta

    @property
    def is_of_days(self) -> bool:
        return not isinstance(self.starts[0], datetime)

    @property
    def step_words(self) -> str:
        if not self.is_of_days:
            is_hour = self.step == _STEPS["day"]
            return gettext("Enrollments per hour.") if is_hour else gettext("Enrollments per 5 minutes.")
        if self.step.days == 1:
            return gettext("Enrollments per day.")
        return gettext("Enrollments per %(days)s days.") % {"days": self.step.days}

    @property
    def zone(self) -> str:
        """The name of the time zone that its bars are shown in."""
        return get_default_timezone_name() if self.is_of_days else get_current_timezone_name()

    def place(self, moment: date) -> int:
        """The number of the bar that counts a day or a moment."""
        return bisect_right(self.starts, moment) - 1

    def bounds(self, place: int) -> tuple[datetime, datetime | None]:
        """When a bar begins, and when it ends, which is ``None`` for the last one."""
        is_last = place == len(self.starts) - 1
        return _moment(self.starts[place]), None if is_last else _moment(self.starts[place + 1])


def period(name: str, now: datetime) -> Period:
    """``name`` is a key of ``PERIODS``. ``now`` is in the last bar."""
    words = PERIODS[name]
    if name in _STEPS:
        step = _STEPS[name]
        latest = datetime.fromtimestamp(now.timestamp() // step.total_seconds() * step.total_seconds(), timezone.utc)
        return Period(words=words, starts=_until(latest, step, _BARS[name]), step=step)
    days = _DAYS.get(name) or conf.get_settings().INCIDENTS_KEPT_DAYS
    step = timedelta(days=ceil(days / _MOST_BARS))
    bars = ceil(days / step.days)
    first_of_last = DayCount.day_of(now) - step + timedelta(days=1)
    return Period(words=words, starts=_until(first_of_last, step, bars), step=step)


def _until(latest: date, step: timedelta, bars: int) -> list[date]:
    return [latest - step * ago for ago in reversed(range(bars))]


def _moment(start: date) -> datetime:
    if isinstance(start, datetime):
        return start
    return make_aware(datetime.combine(start, time()), get_default_timezone())
