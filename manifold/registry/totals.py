"""The limit on all objects of a logical cluster: which one applies, and whether what it says is used can be relied on.

The annotation `core.kcp.io/max-total-objects` of a LogicalCluster says how many objects there may be in it; nothing,
where it is not above zero. Logical clusters without it have the operator's default
(`--logical-cluster-total-object-limit`), except `root` and the system's own, which must be able to take what a newer
server brings. Nothing is limited before a logical cluster is Ready, so that its creation always comes to its end, and
events count nowhere, so that what goes on in a full one can be told (tenancy reference, sections 1.1, 2.3, 2.6, 5.1).

How much is used stands in a row of its own, which is there only where there is a limit. It is exact while there is one:
the change of a LogicalCluster after which another limit or none applies takes the row away. The default comes and goes
by restarts, where nobody looks at what exists. So one row of the store says since when there has been a default, and
what is older than that is counted anew by the first who needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from manifold.base import keys
from manifold.registry.limits import Limit
from manifold.storage.contract import Guard, Row, Store, Write
from manifold.types.resource import Object

MAX_TOTAL = "core.kcp.io/max-total-objects"
USAGE = "usage"
SINCE = keys.META + keys.segment("totals")
"""The key of the row that is there while logical clusters have a limit by default."""
ROOT, SYSTEM = "root", "system:"
UNBORN = frozenset(("", "Scheduling", "Initializing"))
"""The phases in which a logical cluster is not complete yet."""


@dataclass(frozen=True, slots=True)
class Total:
    """How many objects a logical cluster may have (0: any number), and whether its own annotation says so."""

    most: int
    own: bool


UNLIMITED = Total(0, False)


def usage_row(cluster: str) -> bytes:
    """The key of the row that says how many objects there are in a logical cluster that limits them."""
    return keys.index_key(USAGE, cluster)


@dataclass(frozen=True, slots=True)
class Totals:
    """The limits on all objects as an operator wants them: `default` for logical clusters that say nothing (0: none),
    in force ever since the revision `since`.
    """

    default: int = 0
    since: int = 0

    def concerns(self, record: bytes) -> bool:
        """Whether the LogicalCluster in a record may have a limit: it has none where this says no."""
        return bool(self.default) or MAX_TOTAL.encode() in record

    def of(self, cluster: str, logical_cluster: Object) -> Total:
        """The limit of a logical cluster that is not on its way out."""
        if ((logical_cluster.get("status") or {}).get("phase") or "") in UNBORN:
            return UNLIMITED
        told = _whole((logical_cluster["metadata"].get("annotations") or {}).get(MAX_TOTAL) or "")
        if told is not None:
            return Total(told, True) if told > 0 else UNLIMITED
        if not self.default or cluster == ROOT or cluster.startswith(SYSTEM):
            return UNLIMITED
        return Total(self.default, False)

    def has_other_grounds(self, cluster: str, new: Object, old: Object) -> bool:
        """Whether what a change of a LogicalCluster leaves has to be counted anew, or is not limited any longer."""
        now, before = self.of(cluster, new), self.of(cluster, old)
        return (bool(now.most), now.own) != (bool(before.most), before.own)

    def limit(self, cluster: str, total: Total, row: Row | None, logical_cluster: bytes) -> Limit:
        """A limit as it is counted. `row` is the one of its usage; without `logical_cluster`, a key, none is made."""
        known = row if row is not None and (total.own or row.revision > self.since) else None
        used = {"": orjson.loads(known.value)} if known is not None else {}
        ground = Guard(logical_cluster, None)
        key = usage_row(cluster)
        return Limit(row, key, cluster, "", {"": total.most}, {"": None}, used, known is not None, ground=ground)


async def open_totals(store: Store, default: int) -> Totals:
    """The totals of a process that begins. A start that is told what the last one was told writes nothing."""
    row = await (await store.snapshot()).get(SINCE)
    if row is not None:
        if default:
            return Totals(default, row.revision)
        await store.commit([Write(SINCE, None)], [Guard(SINCE, row.revision)])
        return Totals()
    return Totals(default, await store.commit([Write(SINCE, b"{}")], [Guard(SINCE, 0)])) if default else Totals()


def _whole(text: str) -> int | None:
    """The number a text is, None where it is none."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None
