"""Structural schemas: what a CustomResourceDefinition or an APIResourceSchema says about its objects, compiled once.

Promises: `compile_schema` turns the OpenAPI v3 dialect of CRDs (Kubernetes docs "Specifying a structural schema";
KEP-95, KEP-1979 list topology, KEP-4008 ratcheting) into closures that prune, default and validate plain JSON objects,
with the causes, field paths and texts of Kubernetes. Nothing is interpreted per request, and nothing here holds a
reference to an object after it returns. Must not know: which type the schema belongs to, where it came from, rules in
CEL (`has_rules` says that there are some).
"""

from manifold.schema.structural.codec import StructuralCodec
from manifold.schema.structural.schema import (
    ABSENT,
    RULES_SKIPPED,
    Structural,
    blocks_rules,
    compile_schema,
)

__all__ = ["ABSENT", "RULES_SKIPPED", "Structural", "StructuralCodec", "blocks_rules", "compile_schema"]
