"""Bodies as Go's client writes them, and the JSON a server stores for each: the judge of our protobuf codec."""

from __future__ import annotations

from typing import Any

SAMPLES: list[tuple[str, dict[str, Any]]] = [
    (
        "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEsMBCqYBCgFhEgAaAWIiACoDdS0xMgE3OAJCCAil69zKBhAASggIpuvcygYQAFAAWgUKAWwS"
        "AGIJCgF4EgR5IMOpahkKCUNvbmZpZ01hcBoBbyIDdS0yKgJ2MTAAcgFmigFJCgFtEgZVcGRhdGUaAnYxIggIpevcygYQADIIRmll"
        "bGRzVjE6IgogeyJmOmRhdGEiOiB7Ii4iOiB7fSwgImY6ayI6IHt9fX1CABIFCgFlEgASBgoBaxIBdhoHCgFiEgIA/yAAGgAiAA==",
        {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {
                "name": "a",
                "namespace": "b",
                "uid": "u-1",
                "resourceVersion": "7",
                "generation": 2,
                "creationTimestamp": "2026-01-02T03:04:05Z",
                "deletionTimestamp": "2026-01-02T03:04:06Z",
                "deletionGracePeriodSeconds": 0,
                "labels": {"l": ""},
                "annotations": {"x": "y \u00e9"},
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u-2", "controller": False}
                ],
                "finalizers": ["f"],
                "managedFields": [
                    {
                        "manager": "m",
                        "operation": "Update",
                        "apiVersion": "v1",
                        "time": "2026-01-02T03:04:05Z",
                        "fieldsType": "FieldsV1",
                        "fieldsV1": {"f:data": {".": {}, "f:k": {}}},
                    }
                ],
            },
            "immutable": False,
            "data": {"e": "", "k": "v"},
            "binaryData": {"b": "AP8="},
        },
    ),
    (
        "azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRJAChEKAXESABoAIgAqADIAOABCABIpCg4KA2NwdRIHCgUxNTAwbQoLCgRwb2RzEgMK"
        "ATUSCkJlc3RFZmZvcnQaABoAIgA=",
        {
            "kind": "ResourceQuota",
            "apiVersion": "v1",
            "metadata": {"name": "q"},
            "spec": {"hard": {"cpu": "1500m", "pods": "5"}, "scopes": ["BestEffort"]},
            "status": {},
        },
    ),
    (
        "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRInChEKAWwSABoAIgAqADIAOABCABISCgFoEA8aCQil69zKBhDw"
        "LigAGgAiAA==",
        {
            "kind": "Lease",
            "apiVersion": "coordination.k8s.io/v1",
            "metadata": {"name": "l"},
            "spec": {
                "holderIdentity": "h",
                "leaseDurationSeconds": 15,
                "acquireTime": "2026-01-02T03:04:05.000006Z",
                "leaseTransitions": 0,
            },
        },
    ),
    (
        "azhzAAoLCgJ2MRIFRXZlbnQSSwoRCgFlEgAaACIAKgAyADgAQgASEgoDUG9kEgAaAXAiACoAMgA6ABoBUiIAKgUKAWMSADIICKXr"
        "3MoGEAA6AEABSgBSAGIAcgB6ABoAIgA=",
        {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": "e"},
            "involvedObject": {"kind": "Pod", "name": "p"},
            "reason": "R",
            "source": {"component": "c"},
            "firstTimestamp": "2026-01-02T03:04:05Z",
            "lastTimestamp": None,
            "count": 1,
            "eventTime": None,
            "reportingComponent": "",
            "reportingInstance": "",
        },
    ),
    (
        "azhzAAorChxyYmFjLmF1dGhvcml6YXRpb24uazhzLmlvL3YxEgtDbHVzdGVyUm9sZRJGChEKAXISABoAIgAqADIAOABCABIZCgNn"
        "ZXQKBGxpc3QSABoKY29uZmlnbWFwcxoWChQKBgoBYRIBYhIKCgFrEgJJbhoBdhoAIgA=",
        {
            "kind": "ClusterRole",
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": "r"},
            "rules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}],
            "aggregationRule": {
                "clusterRoleSelectors": [
                    {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]}
                ]
            },
        },
    ),
    (
        "azhzAApBCh9hZG1pc3Npb25yZWdpc3RyYXRpb24uazhzLmlvL3YxEh5WYWxpZGF0aW5nV2ViaG9va0NvbmZpZ3VyYXRpb24SUgoR"
        "CgF3EgAaACIAKgAyADgAQgASPQoFYS5iLmMSEBICAP8aCmh0dHBzOi8vaC8aFgoGQ1JFQVRFEgwKAWcSASoaAXIiASoyBE5vbmU4"
        "AEICdjEaACIA",
        {
            "kind": "ValidatingWebhookConfiguration",
            "apiVersion": "admissionregistration.k8s.io/v1",
            "metadata": {"name": "w"},
            "webhooks": [
                {
                    "name": "a.b.c",
                    "clientConfig": {"url": "https://h/", "caBundle": "AP8="},
                    "rules": [
                        {
                            "operations": ["CREATE"],
                            "apiGroups": ["g"],
                            "apiVersions": ["*"],
                            "resources": ["r"],
                            "scope": "*",
                        }
                    ],
                    "sideEffects": "None",
                    "timeoutSeconds": 0,
                    "admissionReviewVersions": ["v1"],
                }
            ],
        },
    ),
    (
        "azhzAAozChZjZXJ0aWZpY2F0ZXMuazhzLmlvL3YxEhlDZXJ0aWZpY2F0ZVNpZ25pbmdSZXF1ZXN0EkEKEQoBYxIAGgAiACoAMgA4"
        "AEIAEioKAgD/EgAaACoLY2xpZW50IGF1dGgyCwoBaxIGCgFhCgFiOgNzL25A2AQaABoAIgA=",
        {
            "kind": "CertificateSigningRequest",
            "apiVersion": "certificates.k8s.io/v1",
            "metadata": {"name": "c"},
            "spec": {
                "request": "AP8=",
                "signerName": "s/n",
                "expirationSeconds": 600,
                "usages": ["client auth"],
                "extra": {"k": ["a", "b"]},
            },
            "status": {},
        },
    ),
    (
        "azhzAAozChdhcGlleHRlbnNpb25zLms4cy5pby92MRIYQ3VzdG9tUmVzb3VyY2VEZWZpbml0aW9uEqADChYKBndzLngueRIAGgAi"
        "ACoAMgA4AEIAEvcCCgN4LnkaCwoCd3MSACIBVyoAIgdDbHVzdGVyOtcCCgJ2MRABGAEiygIKxwIKABIAIgAqBm9iamVjdDIAOgBQ"
        "AGAAegCQAQDqAU0KAWQSSAoAEgAiACoAMgA6AEIMCgp7ImEiOiBbMV19UABgAHoAkAEA8gECCACoAgC4AgDAAgDiAhQKDHNlbGYg"
        "PT0gc2VsZhIAGgAqAOoBcQoBbBJsCgASACIAKgVhcnJheTIAOgBQAGAAegCQAQDCAUAKPgoAEgAiACoGbnVtYmVyMgA6AEkAAAAA"
        "AAD4P1AAYAB6AJABAKIBAwoBMaIBBQoDImEiogEAqAIAuAIAwAIAqAIAuAIAwAIA0gIDc2V06gFcCgRzcGVjElQKABIAIgAqBm9i"
        "amVjdDIAOgBQAGAAegCQAQDyASoIARImCgASACIAKgZzdHJpbmcyADoAUABgAHAAegCQAQCoAgC4AgDAAgCoAgCwAgG4AgDAAgCo"
        "AgC4AgDAAgA4AFAAGgwSCAoAEgAiACoAIAAaACIA",
        {
            "kind": "CustomResourceDefinition",
            "apiVersion": "apiextensions.k8s.io/v1",
            "metadata": {"name": "ws.x.y"},
            "spec": {
                "group": "x.y",
                "names": {"plural": "ws", "kind": "W"},
                "scope": "Cluster",
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {
                            "openAPIV3Schema": {
                                "type": "object",
                                "properties": {
                                    "d": {
                                        "default": {"a": [1]},
                                        "additionalProperties": False,
                                        "x-kubernetes-validations": [{"rule": "self == self"}],
                                    },
                                    "l": {
                                        "type": "array",
                                        "items": {"type": "number", "maximum": 1.5, "enum": [1, "a", None]},
                                        "x-kubernetes-list-type": "set",
                                    },
                                    "spec": {
                                        "type": "object",
                                        "additionalProperties": {"type": "string", "minLength": 0},
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                },
                            }
                        },
                    }
                ],
            },
            "status": {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None},
        },
    ),
]
