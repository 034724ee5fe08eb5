"""Limits on how many objects there are, as plain data: what a limit counts, and whether a write keeps within it.

Two kinds are known. A ResourceQuota limits objects by type in its namespace, or, in the namespace `admin` and annotated
so, in its whole logical cluster; amounts of anything else in it (cpu, storage) mean nothing here and are left alone.
The other limits all objects of a logical cluster (`manifold.registry.totals`). How much is used stands in the row of
the limit itself: the status of the quota, and a row of its own for the total.

Nothing here reads or writes; `manifold.registry.counting` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from manifold.base import errors, keys, quantity
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Row, Write
from manifold.types.resource import Object

CLUSTER_SCOPED = "experimental.quota.kcp.io/cluster-scoped"
CLUSTER_NAMESPACE = "admin"
"""The namespace whose quotas can be for the whole logical cluster."""
PREFIX = "count/"
PLAIN = frozenset(("configmaps", "secrets", "resourcequotas"))
"""Types that are counted by their bare name, too."""

Kind = tuple[str, str]
"""Group and resource objects are stored under."""
EVENTS: Kind = ("", "events")
"""The type that no total counts, so that what goes on in a full logical cluster can be told."""
_STORED = {("events.k8s.io", "events"): EVENTS}
"""Types whose objects lie under another name."""


@dataclass(frozen=True, slots=True)
class Created:
    """An object that a commit creates (`by` 1) or removes (`by` -1)."""

    kind: Kind
    namespace: str
    by: int


def counted_kind(name: str) -> Kind | None:
    """What a name in `spec.hard` counts; None for what is no number of objects."""
    if name in PLAIN:
        return "", name
    if not name.startswith(PREFIX):
        return None
    resource, _, group = name[len(PREFIX) :].partition(".")
    return _STORED.get((group, resource), (group, resource))


def created(cluster: str, writes: Iterable[Write], guards: Iterable[Guard]) -> list[Created]:
    """The objects of a logical cluster that a commit creates or removes. A creation guards that its key is free."""
    free = {guard.key for guard in guards if guard.revision == 0 and not guard.end}
    found = []
    for write in writes:
        if write.key[:1] == keys.OBJECT and (write.value is None or write.key in free):
            place = keys.decode(write.key)
            if place.cluster == cluster:
                by = -1 if write.value is None else 1
                found.append(Created((place.group, place.resource), place.namespace, by))
    return found


def is_cluster_scoped(quota: Object) -> bool:
    """Whether a ResourceQuota is for the whole logical cluster."""
    metadata = quota["metadata"]
    annotations = metadata.get("annotations") or {}
    return metadata.get("namespace") == CLUSTER_NAMESPACE and annotations.get(CLUSTER_SCOPED) == "true"


@dataclass(slots=True)
class Limit:
    """A limit as it is counted: `hard` and `used` by name, and what each name counts (None: everything but events).

    `namespace` is empty where all of a logical cluster counts. `settled` is false while it has to be counted anew.
    `ground` is what must hold for a row that tells of it to be made.
    """

    row: Row | None
    key: bytes
    name: str
    namespace: str
    hard: Mapping[str, int]
    kinds: Mapping[str, Kind | None]
    used: dict[str, int]
    settled: bool
    obj: Object | None = None
    ground: Guard | None = None
    changed: bool = field(default=False, init=False)

    def touched(self, objects: Sequence[Created]) -> Counter[str]:
        """How much of each name objects come to."""
        found: Counter[str] = Counter()
        for one in objects:
            if not self.namespace or self.namespace == one.namespace:
                for name, kind in self.kinds.items():
                    if kind == one.kind or (kind is None and one.kind != EVENTS):
                        found[name] += one.by
        return found

    def refusal(self, objects: Sequence[Created]) -> str:
        """Why objects cannot be created under this limit; empty where they can."""
        wanted = self.touched(objects)
        over = sorted(name for name, by in wanted.items() if by > 0 and self.used.get(name, 0) + by > self.hard[name])
        if not over:
            return ""
        if self.obj is None:
            count, limit = self.used.get("", 0), self.hard[""]
            text = f'logical cluster "{self.name}" has reached its total object count limit ({count}/{limit} objects)'
            return f"{text}; delete objects to free up capacity"
        requested = ",".join(f"{name}={wanted[name]}" for name in over)
        used = ",".join(f"{name}={self.used.get(name, 0)}" for name in over)
        limited = ",".join(f"{name}={self.hard[name]}" for name in over)
        return f"exceeded quota: {self.name}, requested: {requested}, used: {used}, limited: {limited}"

    def take(self, objects: Sequence[Created]) -> None:
        """Count objects."""
        for name, by in self.touched(objects).items():
            if by:
                self.used[name] = max(0, self.used.get(name, 0) + by)
                self.changed = True

    def write(self, quotas: Served) -> Write:
        """The row as it is to be written."""
        if self.obj is None:
            return Write(self.key, b"%d" % self.used.get("", 0))
        hard = (self.obj.get("spec") or {}).get("hard") or {}
        self.obj["status"] = {
            "hard": dict(hard),
            "used": {name: str(self.used.get(name, 0)) for name in sorted(self.kinds)},
        }
        return Write(self.key, quotas.encode(self.obj))

    def guard(self) -> Guard:
        """What binds a commit to the row it was computed from."""
        return Guard(self.key, self.row.revision if self.row is not None else 0)


def quota_limit(quotas: Served, row: Row) -> Limit:
    """A ResourceQuota as a limit."""
    obj = quotas.decode(row.value, row.revision)
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    given = spec.get("hard") or {}
    kinds = {name: kind for name in given if (kind := counted_kind(name)) is not None}
    if spec.get("scopes") or spec.get("scopeSelector"):
        kinds = {}  # scopes are about pods and claims: no object of another type is within one
    told = status.get("used") or {}
    settled = (status.get("hard") or {}) == given and all(str(told.get(name, "")).isdigit() for name in kinds)
    return Limit(
        row,
        row.key,
        metadata["name"],
        "" if is_cluster_scoped(obj) else metadata["namespace"],
        {name: quantity.parse(given[name]).value() for name in kinds},
        kinds,
        {name: int(told[name]) for name in kinds} if settled else {},
        settled,
        obj,
    )


def admit(limits: Sequence[Limit], objects: Sequence[Created], writes: Sequence[Write]) -> errors.StatusError | None:
    """Count what a commit creates and removes, if every limit allows it, else count nothing and say why.

    What the commit is about is the first object among its `writes`; there may be work rows in front of it.
    """
    for limit in limits:
        why = limit.refusal(objects)
        if why:
            place = keys.decode(next(write.key for write in writes if write.key[:1] == keys.OBJECT))
            return errors.forbidden(place.group, place.resource, place.name, why)
    for limit in limits:
        limit.take(objects)
    return None
