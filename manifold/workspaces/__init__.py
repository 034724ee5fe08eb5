"""The tree of workspaces: their types, what a new one contains, how one ends, and the objects a server starts with.

Promises: a workspace that can be finished at once is finished in the commit of its creation; nothing is kept in
memory for one that is idle. Must not know: HTTP.
"""
