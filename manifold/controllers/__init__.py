"""What happens later: work that a commit left behind as a row, done by a few tasks however many rows there are.

Promises: cost follows pending work, not what exists; a row is gone in the commit that finishes its work, so a crash
at any moment repeats work and loses none. Must not know: HTTP.
"""
