"""Deciding a group of commits: pure, so that it can be tested without a file.

Commits that arrive together are written in one transaction and share one fsync. Each still stands alone: they are
decided in order, each against what those before it in the group have done, and one that is refused leaves no trace.
Because everything is decided before anything is written, no savepoint is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from manifold.storage.contract import Change, Guard, GuardFailed, Malformed, StoreError, Write
from manifold.storage.sqlite.layout import ENTRY_OVERHEAD

Current = Mapping[bytes, tuple[int, bytes | None]]
"""Revision and value of the rows that are there; a key that is only guarded may come without its value. Of a range that
is guarded there is at least one key that no commit of the group deletes, if it has any.
"""


@dataclass(slots=True)
class Decision:
    """What a group comes to.

    `results` holds for each commit the revision of its first write, or the error that refused it. `changes` are the
    writes in order; `entries` what they append (revision, previous, key, value); `current` the revision that each
    written key has from now on, None where it has been deleted; `ended` the rows that stop being current (key, next,
    revision); `log_bytes` what the log grows by.
    """

    results: list[int | StoreError] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    entries: list[tuple[int, int, bytes, bytes | None]] = field(default_factory=list)
    current: dict[bytes, int | None] = field(default_factory=dict)
    ended: list[tuple[bytes, int, int]] = field(default_factory=list)
    log_bytes: int = 0


def decide(commits: Iterable[tuple[Sequence[Write], Sequence[Guard]]], current: Current, revision: int) -> Decision:
    """Decide `commits` in order on top of `current`, where `revision` is the last one given out."""
    decision = Decision()
    now: dict[bytes, tuple[int, bytes | None]] = dict(current)
    for writes, guards in commits:
        refusal = _refusal(writes, guards, now)
        if refusal is not None:
            decision.results.append(refusal)
            continue
        # A commit that only guards has no revision of its own: it tells the one its guards held at.
        decision.results.append(revision + 1 if writes else revision)
        for write in writes:
            revision += 1
            _apply(decision, now, write, revision)
    return decision


def _refusal(writes: Sequence[Write], guards: Sequence[Guard], now: Current) -> StoreError | None:
    for guard in guards:
        if guard.end:
            found = next((row for key, row in now.items() if guard.key <= key < guard.end), None)
            if found is not None:
                return GuardFailed(guard, found[0])
            continue
        row = now.get(guard.key)
        at = 0 if row is None else row[0]
        if (at == 0) if guard.revision is None else (at != guard.revision):
            return GuardFailed(guard, at)
    for write in writes:
        if write.value is None and write.key not in now:
            return Malformed(f"a commit deletes {write.key!r}, which is not there: guard its presence")
    return None


def _apply(decision: Decision, now: dict[bytes, tuple[int, bytes | None]], write: Write, revision: int) -> None:
    key, value = write.key, write.value
    before = now.get(key)
    previous_revision, previous = (0, None) if before is None else before
    if before is not None:
        decision.log_bytes += len(key) + len(previous or b"") + ENTRY_OVERHEAD
        decision.ended.append((key, revision, previous_revision))
    if value is None:
        decision.log_bytes += len(key) + ENTRY_OVERHEAD
        del now[key]
        decision.current[key] = None
    else:
        now[key] = (revision, value)
        decision.current[key] = revision
    decision.entries.append((revision, previous_revision, key, value))
    decision.changes.append(Change(revision, key, value, previous, previous_revision))
