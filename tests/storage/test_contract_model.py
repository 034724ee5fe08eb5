"""Contract: whatever is done, the store equals a plain dictionary with its whole history."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.storage.contract import Change, Compacted, Guard, GuardFailed, Row, Snapshot, Store, StoreError, Write

NAMES = [b"", b"\x00", b"a", b"a\x00", b"a\x00b", b"ab", b"b", b"\xfe\xff"]
names = st.sampled_from(NAMES)
# Short keys under one prefix per example, so that an example needs no store of its own.
writes = st.lists(st.tuples(names, st.none() | st.binary(max_size=3)), max_size=5, unique_by=lambda write: write[0])
guards = st.lists(st.tuples(names, st.sampled_from(["holds", "absent", "present", "other", "vacant"])), max_size=2)
commits = st.tuples(st.just("commit"), writes, guards)
views = st.tuples(st.just("view"), st.integers(0, 20))
checks = st.tuples(st.just("check"), names, names, st.integers(0, 9))
compactions = st.tuples(st.just("compact"), st.integers(0, 20))
steps = st.lists(st.one_of(commits, commits, commits, views, checks, compactions), max_size=40)


@dataclass
class Model:
    """What the store must be: the rows after each commit, by its last revision, and the log."""

    prefix: bytes
    history: dict[int, dict[bytes, Row]] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    oldest: int = 0

    @property
    def rows(self) -> dict[bytes, Row]:
        return self.history[max(self.history)]

    def commit(self, writes: list[Write], first: int) -> None:
        rows = dict(self.rows)
        for revision, write in enumerate(writes, first):
            before = rows.pop(write.key, None)
            if write.value is not None:
                rows[write.key] = Row(write.key, write.value, revision)
            previous = (None, 0) if before is None else (before.value, before.revision)
            self.log.append(Change(revision, write.key, write.value, *previous))
        self.history[first + len(writes) - 1] = rows


@dataclass
class Run:
    """One example: a model, a store, and snapshots that are held."""

    store: Store
    model: Model
    held: list[Snapshot] = field(default_factory=list)

    async def commit(self, writes: list[tuple[bytes, bytes | None]], guards: list[tuple[bytes, str]]) -> None:
        model = self.model
        made = [Write(model.prefix + name, value) for name, value in writes]
        checked = []
        for name, kind in guards:
            row = model.rows.get(model.prefix + name)
            at = 0 if row is None else row.revision
            if kind == "vacant":
                guard = Guard(model.prefix + name, 0, model.prefix + b"b")
                found = {row.revision for key, row in model.rows.items() if guard.key <= key < guard.end} or {0}
            else:
                wanted = {"holds": at, "absent": 0, "present": None, "other": at + 1}[kind]
                guard, found = Guard(model.prefix + name, wanted), {at}
            checked.append((guard, found))
        failing = [
            (guard, found)
            for guard, found in checked
            if (0 in found if guard.revision is None else guard.revision not in found)
        ]
        absent = [write for write in made if write.value is None and write.key not in model.rows]
        try:
            first = await self.store.commit(made, [guard for guard, _ in checked])
        except GuardFailed as error:
            refused = (error.guard, error.current)
            assert refused in {(guard, revision) for guard, found in failing[:1] for revision in found}
        except StoreError:
            assert absent
            assert not failing
        else:
            assert not failing
            assert not absent
            if made:
                model.commit(made, first)
        assert self.store.revision == max(model.history)

    async def view(self, back: int) -> None:
        revisions = sorted(self.model.history)
        revision = revisions[-1 - back % len(revisions)]
        if revision < self.model.oldest:
            with pytest.raises(Compacted):
                await self.store.snapshot(revision)
        else:
            self.held.append(await self.store.snapshot(revision))

    async def check(self, start: bytes, end: bytes, limit: int) -> None:
        model = self.model
        start, end = model.prefix + start, model.prefix + end
        for view in [*self.held, await self.store.snapshot()]:
            if view.revision < model.oldest:
                with pytest.raises(Compacted):
                    await view.scan(start, end, limit)
                continue
            rows = model.history[view.revision]
            wanted = [rows[key] for key in sorted(rows) if start <= key < end]
            assert list(await view.scan(start, end, limit)) == (wanted[:limit] if limit else wanted)
            assert await view.count(start, end, limit + 1) == min(len(wanted), limit + 1)
            for name in NAMES:
                assert await view.get(model.prefix + name) == rows.get(model.prefix + name)
        for after in {self.store.oldest, *(change.revision for change in model.log[-limit - 1 :])}:
            if after >= self.store.oldest:
                told = [change for change in await self.store.changes(after) if change.key.startswith(model.prefix)]
                assert told == [change for change in model.log if change.revision > after]

    async def compact(self, back: int) -> None:
        revisions = sorted(self.model.history)
        before = revisions[-1 - back % len(revisions)]
        await self.store.compact(before)
        self.model.oldest = max(self.model.oldest, before)
        assert self.store.oldest == self.model.oldest


async def run_example(store: Store, prefix: bytes, steps: list[tuple[object, ...]]) -> None:
    model = Model(prefix, {store.revision: {}}, oldest=store.oldest)
    run = Run(store, model)
    heard: list[Change] = []
    store.listen(lambda changes: heard.extend(change for change in changes if change.key.startswith(prefix)))
    for name, *arguments in steps:
        await getattr(run, name)(*arguments)
    await run.check(b"", b"\xff\xff", 0)
    assert heard == model.log


@pytest.mark.fuzz
def test_the_store_equals_its_model(engine, runner):
    store = runner.run(engine.open())
    prefixes = count(1)

    @settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))
    @given(steps)
    def hold(steps):
        runner.run(run_example(store, b"%06d/" % next(prefixes), steps))

    try:
        hold()
    finally:
        runner.run(store.close())


@pytest.mark.fuzz
def test_concurrent_commits_have_one_order(engine, runner):
    """Replaying the log commit by commit, every guard of a commit that was made held where it lies."""
    store = runner.run(engine.open())
    prefixes = count(1)
    many = st.lists(
        st.tuples(writes.filter(bool), st.lists(st.tuples(names, st.sampled_from((None, 0, b"b"))), max_size=2)),
        max_size=30,
    )

    async def run(commits):
        prefix = b"%06d/" % next(prefixes)
        after = store.revision
        made = [
            (
                [Write(prefix + name, value) for name, value in writes],
                [Guard(prefix + name, 0, prefix + at) if at else Guard(prefix + name, at) for name, at in guards],
            )
            for writes, guards in commits
        ]
        results = await asyncio.gather(*(store.commit(*commit) for commit in made), return_exceptions=True)
        rows: dict[bytes, Row] = {}
        log = {change.revision: change for change in await store.changes(after, 1 << 20)}
        done = sorted((first, number) for number, first in enumerate(results) if isinstance(first, int))
        for first, number in done:
            writes, guards = made[number]
            for guard in guards:
                if guard.end:
                    assert not [key for key in rows if guard.key <= key < guard.end]
                else:
                    assert (guard.key in rows) == (guard.revision is None)
            for revision, write in enumerate(writes, first):
                before = rows.pop(write.key, None)
                previous = (None, 0) if before is None else (before.value, before.revision)
                assert log.pop(revision) == Change(revision, write.key, write.value, *previous)
                if write.value is None:
                    assert before is not None
                else:
                    rows[write.key] = Row(write.key, write.value, revision)
        assert log == {}
        assert list(await (await store.snapshot()).scan(prefix, prefix + b"\xff\xff")) == sorted(
            rows.values(), key=lambda row: row.key
        )
        assert all(isinstance(result, int | StoreError) for result in results)

    @settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
    @given(many)
    def hold(commits):
        runner.run(run(commits))

    try:
        hold()
    finally:
        runner.run(store.close())
