"""What the view of an export shows: the types it exports, those it claims, and the bindings that consume it.

Who has bound the export and what each has granted is read from the index of consumers, in the snapshot that the answer
is made of, so a provider reaches what is granted at that revision and nothing else. A claim reaches as far as export
and binding agree: each names verbs, and `*` stands for every one of them; the binding says which objects. Bindings of
the export are there without any claim, to be read (APIs reference, sections 5.2 to 5.4).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import orjson

from manifold.base import errors, keys, selectors
from manifold.base.fields import FieldError
from manifold.registry.reach import Part
from manifold.registry.scope import Scope
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.kcp.claims import BUILT_IN_CLAIMS
from manifold.types.resource import ALL_VERBS, Object, ResourceType
from manifold.views.consumers import Consumer, consumers_prefix, normalized, read_consumer
from manifold.views.resolution import Resolution
from manifold.views.view import Shown

READ = ("get", "list", "watch")
READ_WRITE = ("get", "patch", "update")
KCP_GROUP = "apis.kcp.io"
BINDINGS = (KCP_GROUP, "apibindings")
CLAIMABLE = BUILT_IN_CLAIMS | {(KCP_GROUP, name) for name in ("apibindings", "apiresourceschemas", "apiexports")}
"""Types that can be claimed without an identity."""
PAGE = 500
NO_MATCH = "object does not match required labels"


@dataclass(frozen=True, slots=True)
class Claim:
    """A permission claim as an export makes it."""

    group: str
    resource: str
    identity: str
    verbs: tuple[str, ...]

    def allows(self, verb: str) -> bool:
        """Whether a verb is asked for."""
        return "*" in self.verbs or verb in self.verbs


def claims_of(claims: Iterable[Object]) -> tuple[Claim, ...]:
    """The claims in the spec of an export (in the stored version, v1alpha2)."""
    return tuple(
        Claim(
            *normalized(one.get("group") or "", one["resource"]),
            one.get("identityHash") or "",
            tuple(one.get("verbs") or ()),
        )
        for one in claims
    )


@lru_cache(200)
def _claims_in(own: Served, value: bytes, revision: int) -> tuple[Claim, ...]:
    """The claims in the record of an export, which many requests in a row read."""
    return claims_of((own.decode(value, revision).get("spec") or {}).get("permissionClaims") or ())


@dataclass(frozen=True, slots=True)
class ClaimScope:
    """The objects that one of the selectors in `wanted` (as JSON) selects, and those that are called one of `names`."""

    wanted: tuple[bytes, ...] = ()
    names: frozenset[str] = frozenset()
    _compiled: tuple[selectors.Selector, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", tuple(map(_compiled, self.wanted)))

    @property
    def traces(self) -> tuple[bytes, ...]:
        """None that all of them have."""
        return ()

    async def scan(self, snapshot: Snapshot, served: Served, start: bytes, end: bytes, limit: int) -> Sequence[Row]:
        """All of a range: only the objects themselves tell which are seen."""
        return await snapshot.scan(start, end, limit)

    def sees(self, obj: Object) -> bool:
        """Whether an object is in reach."""
        metadata = obj["metadata"]
        labels = metadata.get("labels") or {}
        return metadata.get("name") in self.names or any(one.matches(labels) for one in self._compiled)

    def complete(self, new: Object) -> str:
        """Add the labels that the first selector wants, where it can say which."""
        if not self.wanted or self.sees(new):
            return ""
        metadata = new["metadata"]
        labels = dict(metadata.get("labels") or {})
        for key, value in (orjson.loads(self.wanted[0]).get("matchLabels") or {}).items():
            if labels.setdefault(key, value) != value:
                return f"protected label {key} must have value {value}"
            metadata["labels"] = labels
        return ""

    def refusal(self, obj: Object) -> str:
        """Refuse what would not be, or is not, in reach."""
        return "" if self.sees(obj) else NO_MATCH

    def prepare_update(self, new: Object, old: Object) -> None:
        """All that is seen may change."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is seen may change."""
        return []


def compiled_selector(selector: Object) -> selectors.Selector:
    """The `matchLabels` and `matchExpressions` of a claim, compiled, and kept while they are in use."""
    return _compiled(orjson.dumps(selector, option=orjson.OPT_SORT_KEYS))


@lru_cache(1000)
def _compiled(text: bytes) -> selectors.Selector:
    try:
        return selectors.from_object(orjson.loads(text))
    except selectors.SelectorError:
        return selectors.NOTHING  # a selector nobody can read grants nothing


def granted_scope(consumers: Iterable[Consumer], claim: Claim | None, verb: str) -> tuple[bool, ClaimScope | None]:
    """Whether the bindings of one logical cluster grant a verb by a claim, and on which objects (None: all)."""
    found: dict[bytes, None] = {}
    for consumer in consumers:
        one = consumer.claim(claim.group, claim.resource, claim.identity) if claim is not None else None
        if one is None or claim is None or not (claim.allows(verb) and one.allows(verb)):
            continue
        if one.selector is None:
            return True, None
        found[orjson.dumps(one.selector, option=orjson.OPT_SORT_KEYS)] = None
    return bool(found), ClaimScope(tuple(found)) if found else None


@dataclass(frozen=True, slots=True)
class ConsumerReach:
    """What an export reaches of a type: `served` through `verb`, in `cluster` or, where it is empty, in all consumers.

    `export` is the export's logical cluster and name, `own` the stored form of APIExport and `key` the key of the
    export, from which its claims are read. `exported`: the type is the export's own, and reached wherever it is bound;
    else `group` and `resource` name the claim.
    """

    export: tuple[str, str]
    own: Served
    key: bytes
    served: Served
    verb: str
    exported: bool = False
    cluster: str = ""

    @property
    def grounds(self) -> Sequence[bytes]:
        """The rows of the consumers, and the export."""
        return (consumers_prefix(*self.export, self.cluster), self.key)

    def about(self, key: bytes) -> str | None:
        """Of a consumer's row its logical cluster; the export is about all of them."""
        if key.startswith(self.grounds[0]):
            return keys.parts(key)[3]
        return "" if key == self.key else None

    async def parts(self, snapshot: Snapshot, after: bytes = b"") -> AsyncIterator[Part]:
        """The logical clusters that grant something, in their order, which is that of the objects."""
        claim = self._claim(await self.claiming(snapshot))
        if claim is None and not self._without_claim:
            return
        prefix = consumers_prefix(*self.export, self.cluster)
        start = len(self.served.prefix)
        position = prefix
        if after and not self.cluster:
            position += after[start : after.find(b"\x00", start) + 1]
        waiting: list[Row] = []
        while True:
            rows = await snapshot.scan(position, keys.after(prefix), PAGE)
            for row in rows:
                if waiting and keys.parts(waiting[0].key)[3] != keys.parts(row.key)[3]:
                    for part in self._of(waiting, claim):
                        yield part
                    waiting = []
                waiting.append(row)
            if len(rows) < PAGE:
                break
            position = rows[-1].key + b"\x00"
        for part in self._of(waiting, claim):
            yield part

    async def parts_in(self, snapshot: Snapshot, cluster: str) -> Sequence[Part]:
        """What one logical cluster grants."""
        if self.cluster not in ("", cluster):
            return ()
        return self.granted(await self.consumers_in(snapshot, cluster), await self.claiming(snapshot))

    async def consumers_in(self, snapshot: Snapshot, cluster: str) -> Sequence[Row]:
        """The rows of the consumers in one logical cluster."""
        prefix = consumers_prefix(*self.export, cluster)
        return await snapshot.scan(prefix, keys.after(prefix))

    async def claiming(self, snapshot: Snapshot) -> Row | None:
        """The export, where what it claims matters."""
        return None if self.exported else await snapshot.get(self.key)

    def granted(self, consumers: Sequence[Row], export: Row | None) -> list[Part]:
        """What the consumers in one logical cluster grant, as the export in a row claims it."""
        return self._of(consumers, self._claim(export))

    @property
    def _without_claim(self) -> bool:
        kind = self.served.type
        return self.exported or ((kind.group, kind.resource) == BINDINGS and self.verb in READ)

    def _claim(self, export: Row | None) -> Claim | None:
        if export is None:
            return None
        place = (*normalized(self.served.type.group, self.served.type.resource), self.served.identity)
        found = _claims_in(self.own, export.value, export.revision)
        return next((one for one in found if (one.group, one.resource, one.identity) == place), None)

    def _of(self, rows: Sequence[Row], claim: Claim | None) -> list[Part]:
        consumers = [read_consumer(row.key, row.value) for row in rows]
        if not consumers:
            return []
        cluster = consumers[0].cluster
        whole = self.served.prefix + keys.segment(cluster)
        if self.exported:
            return [Part(cluster, whole)] if any(one.bound for one in consumers) else []
        granted, scope = granted_scope(consumers, claim, self.verb)
        if granted and scope is None:
            return [Part(cluster, whole)]
        names = frozenset(one.binding for one in consumers) if self._without_claim else frozenset()
        if granted and scope is not None:
            return [Part(cluster, whole, replace(scope, names=names))]
        return [Part(cluster, self.served.key(cluster, "", name)) for name in sorted(names)]


def scope_in(parts: Sequence[Part]) -> ClaimScope | None:
    """The objects that parts of one logical cluster let be seen, as verbs on single objects need it. None: all."""
    if len(parts) == 1:
        only = parts[0].scope
        if isinstance(only, ClaimScope) or not _is_object(parts[0].prefix):
            return only if isinstance(only, ClaimScope) else None
    return ClaimScope((), frozenset(keys.decode(part.prefix).name for part in parts))


def _is_object(prefix: bytes) -> bool:
    return prefix.count(b"\x00") == 6


@dataclass(frozen=True, slots=True)
class ConsumerGround:
    """A binding as what lets a provider write (`Ground`): a write that is let in by a binding, or a claim, is committed
    while that binding and the export's claims are as they were when it was let in. `denial` makes the answer to others.
    """

    reach: ConsumerReach
    denial: Callable[[], errors.StatusError]

    async def stands(self, snapshot: Snapshot) -> tuple[Scope | None, Sequence[Guard]]:
        """What one logical cluster grants at a snapshot."""
        reach = self.reach
        consumers, export = await reach.consumers_in(snapshot, reach.cluster), await reach.claiming(snapshot)
        parts = reach.granted(consumers, export)
        if not parts:
            raise self.denial()
        guards = [Guard(row.key, row.revision) for row in consumers]
        if reach.exported:
            return None, guards
        return scope_in(parts), [*guards, Guard(reach.key, export.revision if export is not None else 0)]


def shown_type(kind: ResourceType, verbs: tuple[str, ...], status: bool) -> ResourceType:
    """A type as a view shows it: of its subresources, status alone."""
    kept = {name: part for name, part in kind.subresources.items() if name == "status" and status}
    return replace(kind, verbs=tuple(verb for verb in kind.verbs if verb in verbs), subresources=kept)


@dataclass(frozen=True, slots=True)
class ExportView:
    """The types of a view, and which are the export's own; `claims` are those its claims serve, by the group and
    resource of URLs.
    """

    shown: Shown
    exported: frozenset[tuple[str, str]]
    claims: Mapping[tuple[str, str], Claim]


def export_view(
    exported: Iterable[Served], claimed: Iterable[tuple[Claim, Served]], bindings: Iterable[Served]
) -> ExportView:
    """The view of an export. What it exports goes before what it claims."""
    found: dict[tuple[str, str, str], Served] = {}
    verbs: dict[tuple[str, str], Mapping[str, tuple[str, ...]]] = {}
    claims: dict[tuple[str, str], Claim] = {}

    def show(served: Served, allowed: tuple[str, ...], status: bool) -> None:
        kind = served.type
        place = (kind.group, kind.version, kind.resource)
        if place not in found:
            made = shown_type(kind, allowed, status)
            found[place] = Served(made, served.identity)
            parts = {"": made.verbs, **({"status": READ_WRITE} if made.status else {})}
            verbs[kind.group, kind.resource] = {**verbs.get((kind.group, kind.resource), {}), **parts}

    for one in exported:
        show(one, ALL_VERBS, True)
    own = frozenset((one.type.group, one.type.resource) for one in found.values())
    for claim, one in claimed:
        if (one.type.group, one.type.resource) not in own:
            # The status of bindings and exports is the server's to write, whoever is asked for it.
            show(one, ALL_VERBS, one.type.group != KCP_GROUP)
            claims[one.type.group, one.type.resource] = claim
    for one in bindings:
        show(one, READ, False)
    return ExportView(Shown(Resolution(found.values(), (), {}), found, verbs), own, claims)
