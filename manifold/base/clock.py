"""Times as they stand in objects and tables: RFC 3339 in UTC, to the second or the microsecond, and human ages.

Nobody here knows what time it is; it comes in as an argument. Times are compared and kept as `datetime` in UTC,
and written in the one form a Go round trip would give them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?(Z|([+-])([0-9]{2}):([0-9]{2}))"
)
SECONDS_LAYOUT = "2006-01-02T15:04:05Z07:00"
MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
UNKNOWN_AGE = "<unknown>"
_SECOND = timedelta(seconds=1)


def format_seconds(moment: datetime) -> str:
    """A moment as meta/v1 Time writes it: `2026-01-02T03:04:05Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="seconds")[:19] + "Z"


def format_micro(moment: datetime) -> str:
    """A moment as meta/v1 MicroTime writes it: `2026-01-02T03:04:05.000006Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def parse(text: str) -> datetime:
    """The moment an RFC 3339 text names, in UTC, cut to the microsecond. Raises ValueError in Go's words."""
    return _parse(text, SECONDS_LAYOUT)


def parse_micro(text: str) -> datetime:
    """As `parse`, for a MicroTime, which must have a fraction of six digits."""
    return _parse(text, MICRO_LAYOUT)


def canonical(text: str) -> str:
    """An RFC 3339 text as a Time is stored. Raises ValueError."""
    return format_seconds(parse(text))


def canonical_micro(text: str) -> str:
    """An RFC 3339 text as a MicroTime is stored. Raises ValueError."""
    return format_micro(parse_micro(text))


def _refusal(text: str, layout: str) -> ValueError:
    """Go's text for a time that does not fit its layout: it names the first part that could not be read."""
    rest = text
    parts = [
        ("2006", r"[0-9]{4}"),
        ("-", "-"),
        ("01", r"[0-9]{2}"),
        ("-", "-"),
        ("02", r"[0-9]{2}"),
        ("T", "T"),
        ("15", r"[0-9]{2}"),
        (":", ":"),
        ("04", r"[0-9]{2}"),
        (":", ":"),
        ("05", r"[0-9]{2}"),
    ]
    if layout == MICRO_LAYOUT:
        parts.append((".000000", r"[.,][0-9]{6}(?![0-9])"))
    for name, pattern in parts:
        found = re.match(pattern, rest)
        if found is None:
            return ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{name}"')
        rest = rest[found.end() :]
    if layout == SECONDS_LAYOUT and (fraction := re.match(r"[.,][0-9]+", rest)):
        rest = rest[fraction.end() :]
    found = re.match(r"Z|[+-][0-9]{2}:[0-9]{2}", rest)
    if found is None:
        return ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "Z07:00"')
    return ValueError(f'parsing time "{text}": extra text: "{rest[found.end() :]}"')


def _parse(text: str, layout: str) -> datetime:
    found = _RFC3339.fullmatch(text)
    if found is None or (layout == MICRO_LAYOUT and len(found[7] or "") != 6):
        raise _refusal(text, layout)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    for value, limit, least, name in ((month, 12, 1, "month"), (hour, 23, 0, "hour"), (minute, 59, 0, "minute")):
        if not least <= value <= limit:
            raise ValueError(f'parsing time "{text}": {name} out of range')
    if second > 59:
        raise ValueError(f'parsing time "{text}": second out of range')
    fraction = int((found[7] or "0")[:6].ljust(6, "0"))
    zone: timezone = UTC
    if found[8] != "Z":
        if int(found[10]) > 24 or int(found[11]) >= 60:
            raise ValueError(f'parsing time "{text}": time zone offset hour out of range')
        offset = timedelta(hours=int(found[10]), minutes=int(found[11]))
        if offset >= timedelta(hours=24):
            raise ValueError(f'parsing time "{text}": time zone offset hour out of range')
        zone = timezone(-offset if found[9] == "-" else offset)
    try:
        return datetime(year, month, day, hour, minute, second, fraction, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'parsing time "{text}": day out of range') from None


def human(duration: timedelta) -> str:
    """A duration as tables show it, with two units where that says more: `5s`, `3m2s`, `4h`, `2d3h`, `3y20d`.

    A clock that runs a second ahead is forgiven; what lies further in the future is `<invalid>`.
    """
    whole = int(duration / _SECOND) if duration.days < 0 else duration.days * 86400 + duration.seconds
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    minutes, second = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes}m{second}s" if second else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours, minute = divmod(minutes, 60)
    if hours < 8:
        return f"{hours}h{minute}m" if minute else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days, hour = divmod(hours, 24)
    if days < 8:
        return f"{days}d{hour}h" if hour else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, day = divmod(days, 365)
    if years < 8:
        return f"{years}y{day}d" if day else f"{years}y"
    return f"{years}y"


def age(timestamp: str | None, now: datetime) -> str:
    """How long ago a stored time was, as tables show it; `<unknown>` where there is none."""
    if not timestamp:
        return UNKNOWN_AGE
    return human(now - parse(timestamp))
