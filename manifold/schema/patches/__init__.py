"""The patch formats: JSON patch (RFC 6902), JSON merge patch (RFC 7386), strategic merge patch (API conventions).

What it promises: pure functions from a document and a patch to a new document; neither is changed, and the result may
share parts with both. What it must not know: whose document it is, verbs, storage.
"""

from manifold.schema.patches.json_patch import apply_json_patch, unknown_members
from manifold.schema.patches.merge_patch import apply_merge_patch
from manifold.schema.patches.strategic import apply_strategic_merge_patch

__all__ = ["apply_json_patch", "apply_merge_patch", "apply_strategic_merge_patch", "unknown_members"]
