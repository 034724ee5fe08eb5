"""What the provider in the tests of commands about APIs claims."""

APIS = "/apis/apis.kcp.io/v1alpha2"
CLAIMS = [
    {"group": "", "resource": "configmaps", "verbs": ["get", "list"]},
    {"group": "", "resource": "secrets", "verbs": ["*"], "defaultSelector": {"matchLabels": {"for": "it"}}},
]
