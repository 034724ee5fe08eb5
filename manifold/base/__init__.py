"""Plain values that every layer shares: errors, names, keys, selectors, time.

Promises: pure functions and small immutable data, without I/O, clock or randomness.
Must not know: anything of the layers above; this package imports nothing of them.
"""
