"""Exports and bindings: how one logical cluster offers an API and another uses it as if it were built in.

Promises: what is bound is decided in the commit that binds it; an export's identity keeps the objects of equal APIs
apart. Must not know: HTTP, and the tree of workspaces.
"""
