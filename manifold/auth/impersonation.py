"""Acting as somebody else: the Impersonate-* headers, and who may use them.

Three gates, in this order (section 4.6 of the tenancy reference): identities of the system are not for tenants,
whatever RBAC says; RBAC in the target logical cluster must allow it, by the constrained verbs of KEP-5284 or by the
classic verb `impersonate`; and the result is confined to the target, unless the requester is of `system:masters`.

Stricter than the reference on purpose: there only a list of groups is reserved. Any `system:` name or group but
those of service accounts and of nobody is refused here, and so are the extra keys that widen an identity (home
cluster, warrants), because a workspace's administrator could reach other workspaces with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.auth.names import (
    CLUSTER_NAME_KEY,
    SCOPE_PREFIX,
    SCOPES_KEY,
    SERVICE_ACCOUNTS,
    is_service_account,
    service_account,
    service_account_groups,
)
from manifold.base.errors import StatusError, bad_request, forbidden_path
from manifold.base.fields import quote
from manifold.base.user import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User

_EXTRA_PREFIX = "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"


def requested_user(headers: Iterable[tuple[str, str]]) -> User | None:
    """The identity the headers ask for, as they name it; None where there is no such header.

    `headers` are (name in lower case, value); names of extra keys are percent-encoded. Raises nothing: whether a
    user is named is for `impersonate` to judge, after the reserved groups.
    """
    name = uid = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for header, value in headers:
        if not header.startswith("impersonate-"):
            continue
        if header == "impersonate-user":
            name = name or value
        elif header == "impersonate-uid":
            uid = uid or value
        elif header == "impersonate-group":
            groups.append(value)
        elif header.startswith(_EXTRA_PREFIX):
            extra.setdefault(unquote(header[len(_EXTRA_PREFIX) :]).lower(), []).append(value)
    if not (name or uid or groups or extra):
        return None
    return User(name, uid, tuple(groups), {key: tuple(values) for key, values in extra.items()})


def _shown(user: User) -> str:
    """The identity in Go's `%#v`, as the refusal of one without a name has it."""

    def strings(values: Iterable[str]) -> str:
        return "[]string{" + ", ".join(map(quote, values)) + "}"

    groups = strings(user.groups) if user.groups else "[]string(nil)"
    pairs = ", ".join(f"{quote(key)}:{strings(user.extra[key])}" for key in sorted(user.extra))
    extra = f"map[string][]string{{{pairs}}}" if user.extra else "map[string][]string(nil)"
    return f"&user.DefaultInfo{{Name:{quote(user.name)}, UID:{quote(user.uid)}, Groups:{groups}, Extra:{extra}}}"


def _open_group(group: str) -> bool:
    """Whether a group may be asked for by anyone whom RBAC lets."""
    if not group.startswith("system:"):
        return True
    return group in (UNAUTHENTICATED, SERVICE_ACCOUNTS) or group.startswith(SERVICE_ACCOUNTS + ":")


def _reserved(requester: User, wanted: User, cluster: str) -> bool:
    """Whether something is asked for that is not for tenants."""
    if any(not _open_group(group) and group not in requester.groups for group in wanted.groups):
        return True
    if (
        wanted.name.startswith("system:")
        and wanted.name not in (ANONYMOUS, requester.name)
        and not is_service_account(wanted.name)
    ):
        return True
    for key, values in wanted.extra.items():
        domain = key.partition("/")[0]
        if domain != "kcp.io" and not domain.endswith(".kcp.io"):
            continue
        if key == SCOPES_KEY:
            continue  # it can only narrow
        if key == CLUSTER_NAME_KEY and values == (cluster,):
            continue
        return True
    return False


def _impersonated(wanted: User) -> User:
    """The identity as it acts: with the groups that go without saying."""
    groups = list(wanted.groups)
    account = service_account(wanted.name)
    if account is not None and not groups:
        groups += service_account_groups(account[0])
    implied = UNAUTHENTICATED if wanted.name == ANONYMOUS else AUTHENTICATED
    if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups.append(implied)
    return replace(wanted, groups=tuple(groups))


def _questions(a: Attributes, wanted: User, verb: str, group: str) -> list[Attributes]:
    """What a requester must be allowed for each part of the identity. `group` is the API group of users and groups."""

    def question(api: str, resource: str, name: str, subresource: str = "", namespace: str = "") -> Attributes:
        return Attributes(a.user, verb, a.cluster, api, "v1", resource, subresource, namespace, name)

    account = service_account(wanted.name)
    if account is not None:
        asked = [question(group, "serviceaccounts", account[1], namespace=account[0])]
    else:
        asked = [question(group, "users", wanted.name)]
    asked += [question(group, "groups", name) for name in wanted.groups]
    if wanted.uid:
        asked.append(question(_AUTHENTICATION, "uids", wanted.uid))
    for key, values in wanted.extra.items():
        asked += [question(_AUTHENTICATION, "userextras", value, key) for value in values]
    return asked


async def _refusal(chain: Chain, questions: Iterable[Attributes]) -> StatusError | None:
    for question in questions:
        if not (await chain.authorize(question)).allowed:
            return denial(question)
    return None


async def impersonate(chain: Chain, attributes: Attributes, wanted: User) -> User:
    """The user the request goes on as.

    `attributes` are those of the request itself, its user being the requester; `wanted` comes from `requested_user`.
    Raises the 400 for an identity without a name, the 403 where it may not be taken.
    """
    requester, cluster = attributes.user, attributes.cluster
    privileged = MASTERS in requester.groups
    if not privileged and _reserved(requester, wanted, cluster):
        raise forbidden_path("impersonation is not allowed for the requestor")
    if not wanted.name:
        raise bad_request(f"requested {_shown(wanted)} without impersonating a user name")
    if privileged:
        return _impersonated(wanted)
    mode = "serviceaccount" if is_service_account(wanted.name) else "user-info"
    onto = attributes._replace(verb=f"impersonate-on:{mode}:{attributes.verb}")
    constrained = [onto, *_questions(attributes, wanted, f"impersonate:{mode}", _AUTHENTICATION)]
    refused = await _refusal(chain, constrained)
    if refused is not None and await _refusal(chain, _questions(attributes, wanted, "impersonate", "")) is not None:
        raise refused
    user = _impersonated(wanted)
    scopes = (*user.extra.get(SCOPES_KEY, ()), SCOPE_PREFIX + cluster)
    return replace(user, extra={**user.extra, SCOPES_KEY: scopes})
