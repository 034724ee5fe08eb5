"""Names that mean something to authentication and authorization: groups, extra keys, prefixes, service accounts.

They are part of the wire contract (section 4.1 of the tenancy reference) and are kept in one place so that what is
reserved and what is checked cannot drift apart.
"""

from __future__ import annotations

from manifold.base.user import User

RBAC_GROUP = "rbac.authorization.k8s.io"
SYSTEM_ADMIN = "system:admin"
"""The logical cluster whose RBAC holds in all workspaces."""
ROOT = "root"

KCP_ADMIN = "system:kcp:admin"
LOGICAL_CLUSTER_ADMIN = "system:kcp:logical-cluster-admin"
EXTERNAL_LOGICAL_CLUSTER_ADMIN = "system:kcp:external-logical-cluster-admin"
WORKSPACE_BOOTSTRAPPER = "system:kcp:tenancy:workspace-bootstrapper"
INITIALIZER_PREFIX = "system:kcp:initializer:"
TERMINATOR_PREFIX = "system:kcp:terminator:"

SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"
SERVICE_ACCOUNTS = "system:serviceaccounts"
GLOBAL_SERVICE_ACCOUNT_PREFIX = "system:kcp:serviceaccount:"
CLUSTER_GROUP_PREFIX = "system:cluster:"
BINDING_PREFIX = "apis.kcp.io:binding:"
"""Put before users and groups when a maximal permission policy is asked."""

CLUSTER_NAME_KEY = "authentication.kcp.io/cluster-name"
SCOPES_KEY = "authentication.kcp.io/scopes"
WARRANT_KEY = "authorization.kcp.io/warrant"
CREDENTIAL_KEY = "authentication.kubernetes.io/credential-id"
SCOPE_PREFIX = "cluster:"

REQUIRED_GROUPS_ANNOTATION = "authorization.kcp.io/required-groups"


def is_service_account(name: str) -> bool:
    """Whether a user name is that of a service account of some logical cluster."""
    return name.startswith(SERVICE_ACCOUNT_PREFIX) and service_account(name) is not None


def service_account(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account a user name stands for, or None."""
    if not name.startswith(SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, colon, account = name[len(SERVICE_ACCOUNT_PREFIX) :].partition(":")
    return (namespace, account) if colon and namespace and account and ":" not in account else None


def service_account_user(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """The groups every service account of a namespace is in, without those of authentication itself."""
    return (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}")


def home_cluster(user: User) -> str:
    """The one logical cluster an identity comes from, or empty."""
    values = user.extra.get(CLUSTER_NAME_KEY, ())
    return values[0] if len(values) == 1 else ""
