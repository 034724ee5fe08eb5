"""What may be written, decided by more than the object itself: built-in plugins, later webhooks and policies.

Promises: every write of every door passes here, once, between decoding and the commit.
Must not know: HTTP; which door a request came through.
"""
