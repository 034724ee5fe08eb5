"""The commands of those who provide and consume APIs: `kubectl kcp` and what of it `manifold` has by the same names.

Like the workspace commands they are clients and nothing else. What they write and how they end is section 7.3 of the
tenancy reference; what they do to claims is section 3 of the APIs reference.
"""
