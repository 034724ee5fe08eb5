"""The verbs: get, list, watch, create, update, patch, apply, delete, deletecollection, once, for every type.

Promises: whatever door a request comes through, the same verb does the same; the view decides only which types there
are, which range of keys is meant and on whose authority. Nothing half done: each verb ends in one commit or in none.
Must not know: HTTP, URLs, or what any particular type means. That is in `types` (what an object decides alone) and
in plugins and effects that the layers above register (what depends on other objects).
"""
