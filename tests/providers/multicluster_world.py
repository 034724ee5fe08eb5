"""What a manager of multicluster-runtime needs of its provider's workspace, and how tests follow what it says."""

import shutil
from pathlib import Path

from support.conversation import Conversation
from support.server import kubectl
from walk_world import Provider

EXPORT = "/apis/apis.kcp.io/v1alpha2/apiexports/widgets.example.com"
MERGE = {"Content-Type": "application/merge-patch+json"}
CLAIMS = [
    {"group": "", "resource": "configmaps", "verbs": ["*"]},
    {"group": "events.k8s.io", "resource": "events", "verbs": ["create", "patch"]},
]
ACCESS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: manager}
rules:
- {apiGroups: [apis.kcp.io], resources: [apiexportendpointslices], resourceNames: [widgets.example.com],
   verbs: [list, watch]}
- {apiGroups: [apis.kcp.io], resources: [apiexports/content], resourceNames: [widgets.example.com], verbs: [update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: manager}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: manager}
subjects:
- {kind: ServiceAccount, name: widgets-controller, namespace: default}
"""
"""What the library does beyond the controller of the folder: it watches the slice, and it updates."""


def admit(provider: Provider) -> Path:
    """Let the service account of a provider's folder run the manager; a kubeconfig in which it is the current user."""
    status, found = provider.workspace.request(
        "PATCH",
        EXPORT,
        {"spec": {"permissionClaims": CLAIMS}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert status == 200, found
    provider.workspace.kubectl("apply", "-f", "-", input=ACCESS)
    name = provider.service_account()
    to = provider.folder / "manager.kubeconfig"
    shutil.copy(provider.workspace.kubeconfig, to)
    kubectl("config", "use-context", name, kubeconfig=to)
    return to


def heard(manager: Conversation, *wanted: tuple[str, str]) -> list[dict]:
    """Read on until each of these events has been said of its logical cluster, in any order; all that was said."""
    missing, lines = set(wanted), []
    while missing:
        lines.append(manager.line())
        missing.discard((lines[-1].get("event"), lines[-1].get("cluster")))
    return lines


def asked(manager: Conversation, question: str) -> list[str]:
    """What the caches of the manager hold, as logical cluster and name."""
    manager.cue(question)
    return manager.until(answer=question)[-1]["names"]
