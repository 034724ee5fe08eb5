"""The bounds of one commit, checked the same way by every engine before anything is queued or sent.

They are etcd's, and the embedded engine refuses what etcd would refuse: what works on a laptop must not fail in
production because the store is another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from manifold.storage.contract import MAX_BYTES, MAX_GUARDS, MAX_VALUE, MAX_WRITES, Guard, Malformed, TooLarge, Write


def check(writes: Sequence[Write], guards: Sequence[Guard]) -> int:
    """Refuse a commit beyond the bounds of the contract; returns the bytes of its keys and values.

    Raises TooLarge for more than `MAX_WRITES` writes, more than `MAX_GUARDS` guards, more than `MAX_BYTES` of keys and
    values, or for a single write more than `MAX_VALUE`; Malformed for a key written twice.
    """
    count = len(writes)
    if count == 1:
        write = writes[0]
        size = len(write.key) + (0 if write.value is None else len(write.value))
        if size > MAX_VALUE:
            raise TooLarge(f"a write of {size} bytes, at most {MAX_VALUE} are allowed")
    else:
        if count > MAX_WRITES:
            raise TooLarge(f"a commit of {count} writes, at most {MAX_WRITES} are allowed: split it")
        size = 0
        seen = set()
        for write in writes:
            seen.add(write.key)
            size += len(write.key) + (0 if write.value is None else len(write.value))
        if len(seen) != count:
            key, _ = Counter(write.key for write in writes).most_common(1)[0]
            raise Malformed(f"a commit names {key!r} twice: join the two writes")
        if size > MAX_BYTES:
            raise TooLarge(f"a commit of {size} bytes, at most {MAX_BYTES} are allowed: split it")
    if len(guards) > MAX_GUARDS:
        raise TooLarge(f"a commit of {len(guards)} guards, at most {MAX_GUARDS} are allowed: split it")
    return size
