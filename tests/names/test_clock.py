"""Times and ages, in the forms clients see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import clock


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-2, "<invalid>"),
        (-1.5, "0s"),
        (-0.5, "0s"),
        (0, "0s"),
        (5, "5s"),
        (119, "119s"),
        (120, "2m"),
        (182, "3m2s"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (4 * 3600, "4h"),
        (4 * 3600 + 60, "4h1m"),
        (8 * 3600 + 60, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (51 * 3600, "2d3h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (2516 * 86400, "6y326d"),
        (8 * 365 * 86400, "8y"),
        (100 * 365 * 86400, "100y"),
    ],
)
def test_ages(seconds: float, shown: str) -> None:
    assert clock.human(timedelta(seconds=seconds)) == shown


def test_age_of_a_stored_time() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert clock.age("2026-01-02T03:04:00Z", now) == "5s"
    assert clock.age("", now) == "<unknown>"
    assert clock.age(None, now) == "<unknown>"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:30", "2026-01-02T00:34:05Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_canonical_time(text: str, stored: str) -> None:
    assert clock.canonical(text) == stored


def test_canonical_micro_time() -> None:
    assert clock.canonical_micro("2026-01-02T03:04:05.000006+01:00") == "2026-01-02T02:04:05.000006Z"


@pytest.mark.parametrize(
    ("text", "micro", "words"),
    [
        (
            "yesterday",
            True,
            'parsing time "yesterday" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "yesterday" as "2006"',
        ),
        (
            "2020-01-02T03:04:05Z",
            True,
            'parsing time "2020-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
        ),
        ("2020-01", False, 'parsing time "2020-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "-"'),
        (
            "2020-01-02 03:04:05Z",
            False,
            'parsing time "2020-01-02 03:04:05Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 03:04:05Z" as "T"',
        ),
        ("2020-13-02T03:04:05Z", False, 'parsing time "2020-13-02T03:04:05Z": month out of range'),
        ("2020-02-30T03:04:05Z", False, 'parsing time "2020-02-30T03:04:05Z": day out of range'),
        ("2020-02-03T24:04:05Z", False, 'parsing time "2020-02-03T24:04:05Z": hour out of range'),
        ("2020-02-03T03:04:05Zx", False, 'parsing time "2020-02-03T03:04:05Zx": extra text: "x"'),
    ],
)
def test_refusals(text: str, micro: bool, words: str) -> None:
    with pytest.raises(ValueError, match="parsing time") as refused:
        (clock.parse_micro if micro else clock.parse)(text)
    assert str(refused.value) == words


moments = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]),
)


@given(moments)
def test_micro_times_survive(moment: datetime) -> None:
    assert clock.parse_micro(clock.format_micro(moment)) == moment


@given(moments)
def test_times_survive_to_the_second(moment: datetime) -> None:
    assert clock.parse(clock.format_seconds(moment)) == moment.replace(microsecond=0)
