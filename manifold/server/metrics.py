"""A registry of metrics in Prometheus' text format: cheap to change, cheap to read.

Guarantees: a change is an addition on a bound child, without locks and look-ups (one loop thread owns all of them); an
exposition comes in pieces, so that reading thousands of series never holds the loop; every metric has a bound on its
series, beyond which further label values share one series whose labels say `other`. No series is made per
workspace, binding or CRD.

The format is version 0.0.4 of Prometheus' text exposition.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

OTHER = "other"
_PIECE = 50  # series rendered between two yields; a histogram of 27 lines takes about 15 microseconds


class Metric(Protocol):
    """A family of series as the registry sees it."""

    @property
    def name(self) -> str:
        """Its name, unique in a registry."""

    def lines(self) -> Iterator[str]:
        """The family in the text format, in pieces of whole lines."""


class Registry:
    """All metrics of a process."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def add(self, metric: Metric) -> None:
        """Take in a metric. A name that is there already is a ValueError."""
        if metric.name in self._metrics:
            raise ValueError(f"metric {metric.name} is there already")
        self._metrics[metric.name] = metric

    def counter(self, name: str, help: str, labels: Sequence[str] = (), limit: int = 1000) -> Family[Counter]:
        """A new family of counters."""
        family = Family(name, help, "counter", labels, Counter, limit)
        self.add(family)
        return family

    def gauge(self, name: str, help: str, labels: Sequence[str] = (), limit: int = 1000) -> Family[Gauge]:
        """A new family of gauges."""
        family = Family(name, help, "gauge", labels, Gauge, limit)
        self.add(family)
        return family

    def histogram(
        self, name: str, help: str, bounds: Sequence[float], labels: Sequence[str] = (), limit: int = 1000
    ) -> Family[Histogram]:
        """A new family of histograms with upper bounds `bounds`, ascending, without infinity."""
        ascending = tuple(bounds)
        family = Family(name, help, "histogram", labels, lambda: Histogram(ascending), limit)
        self.add(family)
        return family

    def computed(self, name: str, help: str, kind: str, value: Callable[[], float]) -> None:
        """A metric of one series whose value is asked for when it is read."""
        self.add(_Computed(name, help, kind, value))

    def pieces(self) -> Iterator[bytes]:
        """The exposition, in pieces that each take well under a millisecond to make."""
        for metric in list(self._metrics.values()):
            for lines in metric.lines():
                yield lines.encode("utf-8", "replace")

    def text(self) -> bytes:
        """The whole exposition at once."""
        return b"".join(self.pieces())


class Series(Protocol):
    """What a family has per combination of label values."""

    def render(self, name: str, labels: str) -> str:
        """Its lines; `labels` is empty or `a="b",c="d"`."""


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def increase(self, amount: float = 1) -> None:
        """Add `amount`, which must not be negative."""
        self.value += amount

    def render(self, name: str, labels: str) -> str:
        """See `Series`."""
        return f"{name}{{{labels}}} {self.value!r}\n" if labels else f"{name} {self.value!r}\n"


class Gauge(Counter):
    """A number that goes up and down."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Replace the value."""
        self.value = value


class Histogram:
    """How often a value fell under each bound."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count `value`."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def render(self, name: str, labels: str) -> str:
        """See `Series`. Buckets are cumulative, as the format demands."""
        head = f"{labels}," if labels else ""
        braces = f"{{{labels}}}" if labels else ""
        seen = 0
        lines = []
        for bound, count in zip(self._bounds, self.counts, strict=False):
            seen += count
            lines.append(f'{name}_bucket{{{head}le="{bound:g}"}} {seen}\n')
        seen += self.counts[-1]
        lines.append(f'{name}_bucket{{{head}le="+Inf"}} {seen}\n')
        lines.append(f"{name}_sum{braces} {self.total!r}\n{name}_count{braces} {seen}\n")
        return "".join(lines)


SeriesType = TypeVar("SeriesType", bound=Series)


class Family(Generic[SeriesType]):
    """A metric with its series, one per combination of label values."""

    def __init__(
        self, name: str, help: str, kind: str, labels: Sequence[str], make: Callable[[], SeriesType], limit: int
    ) -> None:
        self.name = name
        self._head = f"# HELP {name} {_escaped(help, False)}\n# TYPE {name} {kind}\n"
        self._labels = tuple(labels)
        self._make = make
        self._limit = limit
        self._series: dict[tuple[str, ...], SeriesType] = {}

    def child(self, *values: str) -> SeriesType:
        """The series of these label values, made on first use: keep it. Beyond the limit, the series of `other`."""
        found = self._series.get(values)
        if found is None:
            if len(values) != len(self._labels):
                raise ValueError(f"{self.name} has the labels {self._labels}")
            if len(self._series) >= self._limit:
                values = (OTHER,) * len(values)
                found = self._series.get(values)
            if found is None:
                found = self._series[values] = self._make()
        return found

    def lines(self) -> Iterator[str]:
        """See `Metric`."""
        yield self._head
        piece = []
        for values, series in list(self._series.items()):
            labels = ",".join(
                f'{label}="{_escaped(value, True)}"' for label, value in zip(self._labels, values, strict=True)
            )
            piece.append(series.render(self.name, labels))
            if len(piece) == _PIECE:
                yield "".join(piece)
                piece = []
        yield "".join(piece)


class _Computed:
    """A metric of one series that is asked for when read."""

    def __init__(self, name: str, help: str, kind: str, value: Callable[[], float]) -> None:
        self.name = name
        self._head = f"# HELP {name} {_escaped(help, False)}\n# TYPE {name} {kind}\n"
        self._value = value

    def lines(self) -> Iterator[str]:
        """See `Metric`."""
        yield f"{self._head}{self.name} {self._value()!r}\n"


def _escaped(text: str, label: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if label else text
