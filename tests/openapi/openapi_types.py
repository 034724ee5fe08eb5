"""What tests of OpenAPI share: types made by hand, built-in ones of each sort and a custom one, and a generator run."""

from __future__ import annotations

from typing import Any

from discovery_types import make

from manifold.types.resource import ALL_VERBS

CONFIGMAP = make("", "v1", "ConfigMap", schema_name="io.k8s.api.core.v1.ConfigMap", protobuf="x")
NAMESPACE = make(
    "",
    "v1",
    "Namespace",
    schema_name="io.k8s.api.core.v1.Namespace",
    namespaced=False,
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=("status", "finalize"),
)
ACCOUNT = make("", "v1", "ServiceAccount", schema_name="io.k8s.api.core.v1.ServiceAccount")
LEASE = make("coordination.k8s.io", "v1", "Lease", schema_name="io.k8s.api.coordination.v1.Lease", protobuf="x")
REVIEW = make(
    "authentication.k8s.io",
    "v1",
    "TokenReview",
    schema_name="io.k8s.api.authentication.v1.TokenReview",
    namespaced=False,
    verbs=("create",),
    storageless=True,
)
WIDGET = make(
    "example.com", "v1", "Widget", schema_name="com.example.v1.Widget", custom=True, subresources=("status", "scale")
)
WIDGET_SCHEMA: dict[str, Any] = {
    "description": "A widget.",
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}},
                },
                "template": {"type": "object", "x-kubernetes-embedded-resource": True},
                "maybe": {"type": "string", "nullable": True},
                "either": {"x-kubernetes-int-or-string": True, "pattern": "^x"},
                "other": {
                    "x-kubernetes-int-or-string": True,
                    "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"minimum": 3}],
                },
            },
        }
    },
}
TYPES = [CONFIGMAP, NAMESPACE, ACCOUNT, LEASE, REVIEW, WIDGET]


def schema_of(kind: Any) -> dict[str, Any]:
    return WIDGET_SCHEMA


def finish(generator: Any) -> Any:
    """What a generator returns when nothing stops it on its way."""
    while True:
        try:
            next(generator)
        except StopIteration as done:
            return done.value
