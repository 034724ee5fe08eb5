"""kcp's own types: one file per API group, their schemas as data.

Promises: every type kcp serves, with its columns, defaults, validation and those parts of kcp's admission that need no
other object (sections 2 to 6 of the tenancy reference, 1 to 3 of the APIs reference). What is wrong with the object is
a 422, what kcp's admission refuses a 403, with kcp's words. `SYSTEM_TYPES` are served in every logical cluster by the
server itself; `EXPORTED_TYPES` are those of root's APIExports and reach a logical cluster through a binding. Must not
know: who asks, which logical cluster is asked, whether what an object names exists.
"""

from manifold.types.kcp.catalog import openapi_schema, schema_object_name
from manifold.types.kcp.every import EXPORTED_TYPES, SYSTEM_TYPES

__all__ = ["EXPORTED_TYPES", "SYSTEM_TYPES", "openapi_schema", "schema_object_name"]
