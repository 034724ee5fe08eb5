"""The order and the union of what is looked up, on a real store."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.base import keys
from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store
from manifold.workspaces import candidates

_names = st.text(st.sampled_from("abz09-"), min_size=1, max_size=3).filter(lambda name: name.strip("-") == name)
_sets = st.lists(st.sets(_names, max_size=12), min_size=1, max_size=4)


async def _all(source, limit):
    """All of a source in pages of `limit`, each read by a source of its own."""
    found, start = [], b""
    while True:
        reader = source()
        for _ in range(limit):
            cluster = await reader.first(start)
            if not cluster:
                return found
            found.append(cluster.decode())
            start = candidates.behind(cluster)


@settings(max_examples=examples(40))
@given(_sets, st.sets(_names, max_size=5), st.integers(1, 5), st.integers(1, 4))
def test_unions_and_intersections(tmp_path_factory, sets, known, limit, size):
    """With pages of the store of any size, and several rows for one logical cluster."""

    async def check():
        store = await open_store(tmp_path_factory.mktemp("store") / "store.sqlite")
        prefixes = [keys.index_key("test", str(number)) for number in range(len(sets))]
        writes = {
            prefix + keys.segment(name) + keys.segment(str(row))
            for prefix, names in zip(prefixes, sets, strict=True)
            for name in names
            for row in range(len(name))
        }
        for key in writes:
            await store.commit([Write(key, b"")])
        snapshot = await store.snapshot()

        def ranges():
            return [candidates.Range(snapshot, prefix) for prefix in prefixes]

        def union():
            return candidates.Union([candidates.Named(known), *ranges()])

        def both():
            return candidates.Both(union(), ranges()[0])

        everything = known.union(*sets)
        assert await _all(union, limit) == sorted(everything)
        assert await _all(both, limit) == sorted(sets[0])
        await store.close()

    before, candidates.PAGE = candidates.PAGE, size
    try:
        asyncio.run(check())
    finally:
        candidates.PAGE = before
