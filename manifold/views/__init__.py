"""What a URL lets one see: which types there are, under which identity, in which range, and the documents that
describe them.

Promises: a *shape* (types, discovery, OpenAPI) is shared by every logical cluster that serves the same types and
holds nothing of any of them; a *resolution* says for one logical cluster which types are its own, under which
identities. Must not know: HTTP, or how any verb works.
"""
