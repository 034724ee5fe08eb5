"""OpenAPI v3 (and v2) of what a logical cluster serves, one document per group and version.

Promises: documents are functions of resources described here as plain data (`resources.Resource`), their content is
tagged without being built, and building goes in slices. Must not know: requests, stores, who serves which resource.
"""
