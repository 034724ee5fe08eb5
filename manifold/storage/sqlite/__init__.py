"""The embedded engine: one SQLite file, no server to install.

Promises: the contract of `manifold.storage.contract`, durable when a commit returns (WAL, `synchronous=FULL`), with
memory bounded by the page caches whatever the size of the file. One process owns a file at a time.

How it is built, from the inside out:

- `layout`    the one table and the statements on it, and why it looks like this
- `group`     pure: many waiting commits, decided in order, become one set of statements
- `writer`    the one thread that writes: groups, checkpoints, compacts between groups
- `retention` what the log may forget and how it is dropped in small steps
- `reading`   snapshots and the log, read on the event-loop thread without suspending
- `opening`   the file: creation, what is refused and with which words, the lock of its owner
- `store`     the public face: `open_store` and the store it returns
"""

from manifold.storage.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
