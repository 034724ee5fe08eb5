"""The store: one contract, one folder per engine.

Promises: what `manifold.storage.contract` says, the same for every engine, held by one suite of tests.
Must not know: what a key or a value means; objects, types, users and HTTP are of the layers above.
"""
