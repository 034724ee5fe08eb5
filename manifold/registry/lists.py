"""Lists: pages of a range at one revision, streamed.

A list is read page by page from one snapshot and sent as it is read, so that a list of any length costs the memory
of a piece. Pages are bounded in bytes as well as in rows, and where rows must be parsed (label selectors, tables) the
work is interrupted every few milliseconds, so that nobody else waits for it. A continue token names the revision and
the last key, and nothing is kept on the server between two pages (API conventions, "Retrieving large results sets in
chunks").
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import orjson

from manifold.base import errors, keys
from manifold.registry.options import EXACT, ListOptions
from manifold.registry.reach import Reach
from manifold.registry.representation import Representation, whole_list
from manifold.registry.selection import Selection, within
from manifold.registry.served import Served
from manifold.storage.contract import Compacted, Row, Snapshot, Store

PAGE = 250
FIRST_PAGE = 16
"""Rows of the first page; the size of its rows decides how many are read at once after it."""
PAGE_BYTES = 512 << 10
PIECE_BYTES = 1 << 20
"""What is sent at once, at least; a list below this is sent whole."""
MOST, MOST_BYTES = 10_000, 16 << 20
"""The most rows, and about the most bytes of them, that a page has, whatever limit a client asks for."""
SLICE_SECONDS = 0.004
"""How long rows are worked on before the loop may do something else."""
COUNT_LIMIT = 1_000
"""A remainder above this is not counted, because counting would cost more than the page."""
WAIT_SECONDS = 3.0
TOKEN_VERSION = "meta.k8s.io/v1"
EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a continue token says: the list's revision, and the part of the last key behind the range's prefix."""

    revision: int
    start: bytes

    def token(self) -> str:
        """The token for clients."""
        body = {"v": TOKEN_VERSION, "rv": self.revision, "start": self.start.decode()}
        return base64.urlsafe_b64encode(orjson.dumps(body)).decode().rstrip("=")


def parse_continuation(token: str) -> Continuation:
    """Read a continue token. Raises the 400 of one that is not ours."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token.rstrip("="):
            raise binascii.Error
    except (binascii.Error, ValueError):
        position = next((i for i, c in enumerate(token) if not (c.isascii() and (c.isalnum() or c in "-_"))), 0)
        text = f"invalid continue token: continue key is not valid: illegal base64 data at input byte {position}"
        raise errors.bad_request(text) from None
    try:
        body = orjson.loads(raw)
        version = body.get("v", "")
        if version != TOKEN_VERSION:
            text = "continue key is not valid: server does not recognize this encoded version"
            raise errors.bad_request(f"invalid continue token: {text} {version}")
        return Continuation(int(body["rv"]), str(body["start"]).encode())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise errors.bad_request("invalid continue token: continue key is not valid: malformed token") from None


async def snapshot_for(store: Store, options: ListOptions) -> tuple[Snapshot, bytes]:
    """The snapshot a list is to be read from, and the key suffix to go on behind (empty for a first page).

    Waits for a revision that lies a little ahead. Raises 504 where it does not come, 410 where it is too old.
    """
    if options.continuation:
        token = parse_continuation(options.continuation)
        if token.revision < 0:
            return await store.snapshot(), token.start
        try:
            return await store.snapshot(token.revision), token.start
        except Compacted:
            raise _expired_continuation(token) from None
        except ValueError:
            raise errors.bad_request("invalid continue token: continue key is not valid: unknown revision") from None
    if options.revision:
        await wait_for(store, options.revision)
        if options.match == EXACT or (options.limit and not options.match):
            try:
                return await store.snapshot(options.revision), b""
            except Compacted:
                raise errors.expired("The resourceVersion for the provided list is too old.") from None
    return await store.snapshot(), b""


async def wait_for(store: Store, revision: int) -> None:
    """Wait until the store has reached `revision`. Raises the 504 of one that does not come within three seconds."""
    waited = 0.0
    while store.revision < revision:
        if waited >= WAIT_SECONDS:
            raise errors.future_revision(revision, store.revision)
        await asyncio.sleep(0.05)
        waited += 0.05


def _expired_continuation(token: Continuation) -> errors.StatusError:
    refusal = errors.expired(EXPIRED)
    refusal.continuation = Continuation(-1, token.start).token()
    return refusal


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A range to be listed, or what a reach has in it. `visible` tells of a key whether this reader may see it; None:
    all.
    """

    served: Served
    prefix: bytes
    selection: Selection
    representation: Representation
    options: ListOptions
    visible: Callable[[bytes], bool] | None = None
    reach: Reach | None = None


async def _ranges(
    snapshot: Snapshot, suffix: bytes, request: ListRequest
) -> AsyncIterator[tuple[bytes, bytes, Selection]]:
    """The ranges a list reads one after the other: first key, the key behind it, and what is selected of it."""
    begin = request.prefix + suffix + b"\x00" if suffix else request.prefix
    if request.reach is None:
        yield begin, keys.after(request.prefix), request.selection
        return
    async for part in request.reach.parts(snapshot, begin):
        found = part.within(request.prefix)
        if found is not None and begin < keys.after(found.prefix):
            yield max(begin, found.prefix), keys.after(found.prefix), within(request.selection, found.scope)


async def stream(store: Store, request: ListRequest) -> AsyncIterator[bytes]:
    """The list, as an iterator over pieces. Refusals are raised here, before the first piece.

    The head of a list names the continue token, so a limited page is read before its head is sent. It is bounded by the
    client's limit, and by ours where that is less: then the page is shorter than asked for, and the token leads on. An
    unlimited list sends its head at once, unless the head tells the size of the rest: then its items wait, made, for
    the last of them.
    """
    snapshot, suffix = await snapshot_for(store, request.options)
    if request.options.limit:
        return _limited(snapshot, suffix, request)
    return _all(snapshot, suffix, request)


def _shard_info(request: ListRequest) -> dict[str, str]:
    """By which a client sees that it has got the part it asked for, and not all."""
    return {"selector": request.selection.shards.text} if request.selection.shards is not None else {}


def page_size(rows: Sequence[Row]) -> int:
    """How many rows are to be read next, where these have been read."""
    weight = sum([len(row.value) for row in rows])
    return max(1, min(PAGE, len(rows) * PAGE_BYTES // (weight or 1)))


class _Slices:
    """Turns rows into items, and lets the loop go on when that has taken a while."""

    __slots__ = ("_request", "due", "size")

    def __init__(self, request: ListRequest) -> None:
        self._request = request
        self.due = time.perf_counter() + SLICE_SECONDS
        self.size = FIRST_PAGE

    async def pause(self) -> None:
        """Let the loop go on, and begin a new slice. To be called when `due` has passed."""
        await asyncio.sleep(0)
        self.due = time.perf_counter() + SLICE_SECONDS

    def weigh(self, rows: Sequence[Row]) -> None:
        """Decide the size of the next page by the rows of this one."""
        self.size = page_size(rows)

    async def selected(self, rows: Sequence[Row], selection: Selection) -> Sequence[Row]:
        """The rows of a page that the list is about."""
        request = self._request
        served, visible = request.served, request.visible
        if visible is not None:
            rows = [row for row in rows if visible(row.key)]
        if selection.everything:
            return rows
        for trace in selection.traces():
            rows = [row for row in rows if trace in row.value]
        found = []
        clock = time.perf_counter
        for row in rows:
            if selection.matches(served, served.decode(row.value, row.revision)):
                found.append(row)
            if clock() > self.due:
                await self.pause()
        return found

    async def items(self, rows: Sequence[Row]) -> list[bytes]:
        """Rows in the form that was asked for."""
        served, representation = self._request.served, self._request.representation
        if served.plain and representation.key == "object":
            opening = served.item_opening
            return [b'%b%d",%b' % (opening, row.revision, row.value[11 + row.value[2] :]) for row in rows]
        made = []
        clock = time.perf_counter
        for row in rows:
            made.append(representation.item(served, row.value, row.revision))
            if clock() > self.due:
                await self.pause()
        return made


async def _all(snapshot: Snapshot, suffix: bytes, request: ListRequest) -> AsyncIterator[bytes]:
    metadata = b'{"resourceVersion":"%d"}' % snapshot.revision
    if request.selection.shards is not None:
        metadata = b'%b,"shardInfo":%b}' % (metadata[:-1], orjson.dumps(_shard_info(request)))
    form = request.representation
    joint, sized = form.joint, form.sized
    opening = b"" if sized else form.list_head(request.served, metadata, 0)
    slices = _Slices(request)
    waiting: list[bytes] = []
    weight = 0
    async for position, end, selection in _ranges(snapshot, suffix, request):
        while True:
            size = slices.size
            rows = await selection.scan(snapshot, request.served, position, end, size)
            items = await slices.items(await slices.selected(rows, selection))
            if items:
                body = joint.join(items)
                weight += len(body)
                waiting.append(body)
            if weight >= PIECE_BYTES and not sized:
                yield opening + joint.join(waiting)
                opening, weight = joint, 0
                waiting.clear()
            if time.perf_counter() > slices.due:
                await slices.pause()
            if len(rows) < size:
                break
            position = rows[-1].key + b"\x00"
            slices.weigh(rows)
    if sized and weight >= PIECE_BYTES:
        yield form.list_head(request.served, metadata, weight)
        waiting.reverse()
        while waiting:
            yield waiting.pop()
        yield form.tail
    elif sized:
        yield whole_list(form, request.served, metadata, waiting)
    elif waiting:
        yield opening + joint.join(waiting) + form.tail
    else:
        yield (opening if opening != joint else b"") + form.tail


async def _limited(snapshot: Snapshot, suffix: bytes, request: ListRequest) -> AsyncIterator[bytes]:
    limit = min(request.options.limit, MOST)
    slices = _Slices(request)
    rows: list[Row] = []
    weight = 0
    end = b""
    async for position, end, selection in _ranges(snapshot, suffix, request):
        while True:
            # One more than is asked for tells whether there is a next page.
            size = min(slices.size, limit + 1 - len(rows))
            page = await selection.scan(snapshot, request.served, position, end, size)
            chosen = await slices.selected(page, selection)
            rows += chosen
            weight += sum([len(row.value) for row in chosen])
            if weight >= MOST_BYTES and len(rows) > 1:
                limit = min(limit, len(rows) - 1)  # the page ends before its last row: there is one more, that is known
            if time.perf_counter() > slices.due:
                await slices.pause()
            if len(rows) > limit or len(page) < size:
                break
            position = page[-1].key + b"\x00"
            slices.weigh(page)
        if len(rows) > limit:
            break
    metadata: dict[str, object] = {"resourceVersion": str(snapshot.revision)}
    if len(rows) > limit:
        del rows[limit:]
        last = rows[-1].key
        metadata["continue"] = Continuation(snapshot.revision, last[len(request.prefix) :]).token()
        if request.selection.everything and request.visible is None and request.reach is None:
            remaining = await snapshot.count(last + b"\x00", end, COUNT_LIMIT)
            if remaining < COUNT_LIMIT:
                metadata["remainingItemCount"] = remaining
    if request.selection.shards is not None:
        metadata["shardInfo"] = _shard_info(request)
    head = orjson.dumps(metadata)
    form = request.representation
    made: list[bytes] = []
    opening, weight = b"" if form.sized else form.list_head(request.served, head, 0), 0
    for start in range(0, len(rows), PAGE):
        items = await slices.items(rows[start : start + PAGE])
        made += items
        weight += sum(map(len, items))
        if time.perf_counter() > slices.due:
            await slices.pause()
        if weight >= PIECE_BYTES and start + PAGE < len(rows) and not form.sized:
            yield opening + form.joint.join(made)
            opening, weight, made = form.joint, 0, []
    if form.sized:
        yield whole_list(form, request.served, head, made)
    else:
        yield opening + form.joint.join(made) + form.tail
