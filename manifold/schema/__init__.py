"""What objects are made of: schemas, codecs, merging, field ownership, tables, OpenAPI.

Promises: pure functions over plain JSON data (dict, list, str, int, float, bool, None), driven by a schema.
Must not know: stores, users, requests, or any particular resource type.
"""
