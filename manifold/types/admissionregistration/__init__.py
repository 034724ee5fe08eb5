"""admissionregistration.k8s.io: webhook configurations, admission policies and their bindings.

`TYPES` are the types; what a webhook or policy matches is in `rules`, which whoever evaluates them reads too.
"""

from manifold.types.admissionregistration.types import TYPES

__all__ = ["TYPES"]
