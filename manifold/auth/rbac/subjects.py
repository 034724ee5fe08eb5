"""Who a user counts as, in a logical cluster: scopes, foreign service accounts, warrants.

A user is expanded into *effective users*, and whatever any of them may do is allowed (section 4.4 of the tenancy
reference). An identity that is not valid in the cluster does not vanish, it degrades to an anonymous one, because
what is granted to everybody is granted to it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from manifold.auth.names import (
    BINDING_PREFIX,
    CLUSTER_GROUP_PREFIX,
    CLUSTER_NAME_KEY,
    GLOBAL_SERVICE_ACCOUNT_PREFIX,
    SCOPE_PREFIX,
    SCOPES_KEY,
    SERVICE_ACCOUNT_PREFIX,
    WARRANT_KEY,
    home_cluster,
    is_service_account,
)
from manifold.base.user import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User

MAX_USERS = 64
"""How many identities one user may count as. Warrants nest, and each is asked about every rule."""


def _scope_clusters(user: User) -> frozenset[str] | None:
    """The logical clusters a user is confined to: those in every value of its scopes. None: not confined."""
    confined: frozenset[str] | None = None
    for value in user.extra.get(SCOPES_KEY, ()):
        parts = (part.strip() for part in value.split(","))
        named = frozenset(part[len(SCOPE_PREFIX) :] for part in parts if part.startswith(SCOPE_PREFIX))
        confined = named if confined is None else confined & named
    return confined


def is_foreign(user: User, cluster: str) -> bool:
    """Whether a user has a home logical cluster that is another one. Without a home it counts as local."""
    homes = user.extra.get(CLUSTER_NAME_KEY, ())
    return bool(homes) and cluster not in homes


def in_scope(user: User, cluster: str) -> bool:
    """Whether an identity is valid as itself in `cluster`."""
    confined = _scope_clusters(user)
    return (confined is None or cluster in confined) and not is_foreign(user, cluster)


def _degraded(user: User) -> User:
    if AUTHENTICATED not in user.groups:
        return User(ANONYMOUS, groups=(UNAUTHENTICATED,))
    clusters = sorted(_scope_clusters(user) or ())
    return User(ANONYMOUS, groups=(AUTHENTICATED, *(CLUSTER_GROUP_PREFIX + cluster for cluster in clusters)))


def global_name(user: User) -> str:
    """The name a service account has in other logical clusters than its own, or empty where it has none."""
    home = home_cluster(user)
    if not home or not is_service_account(user.name):
        return ""
    return f"{GLOBAL_SERVICE_ACCOUNT_PREFIX}{home}:{user.name[len(SERVICE_ACCOUNT_PREFIX) :]}"


def _warrant(text: str) -> User | None:
    """The identity a warrant gives; None where it is not one, and then it gives nothing."""
    try:
        body: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    name, uid, groups, extra = (body.get(key) for key in ("user", "uid", "groups", "extra"))
    if not isinstance(name or "", str) or not isinstance(uid or "", str):
        return None
    if not isinstance(groups or [], list) or not isinstance(extra or {}, dict):
        return None
    if not all(isinstance(group, str) for group in groups or ()):
        return None
    keys: dict[str, tuple[str, ...]] = {}
    for key, values in (extra or {}).items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            return None
        keys[key] = tuple(values)
    user = User(name or "", uid or "", tuple(groups or ()), keys)
    if is_service_account(user.name) and not keys.get(CLUSTER_NAME_KEY):
        return None  # local to nowhere: it would count as local to everywhere
    return user


def warrants(user: User) -> list[User]:
    """The further identities a user carries."""
    return [held for held in map(_warrant, user.extra.get(WARRANT_KEY, ())) if held is not None]


def effective_users(user: User, cluster: str) -> tuple[User, ...]:
    """All identities whose rights in `cluster` the user has."""
    if not user.extra:
        return (user,)
    found: list[User] = []
    waiting = [user]
    while waiting and len(found) < MAX_USERS:
        current = waiting.pop(0)
        found.append(current if in_scope(current, cluster) else _degraded(current))
        name = global_name(current)
        if name:
            groups = (AUTHENTICATED, CLUSTER_GROUP_PREFIX + home_cluster(current))
            found.append(User(name, groups=groups))
        waiting += warrants(current)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Reach:
    """An identity a user counts as in some logical clusters: in `clusters`, or, where that is None, in any."""

    user: User
    clusters: frozenset[str] | None = None


def reaches(user: User) -> tuple[Reach, ...]:
    """Whatever `effective_users` can find, over all logical clusters: who to look for where grants are looked up."""
    found: list[Reach] = []
    waiting = [user]
    for _ in range(MAX_USERS):
        if not waiting:
            break
        current = waiting.pop(0)
        confined = _scope_clusters(current)
        homes = current.extra.get(CLUSTER_NAME_KEY, ())
        if homes:
            confined = frozenset(homes) if confined is None else confined & frozenset(homes)
        if confined is None:
            found.append(Reach(current))
        else:
            found += [Reach(current, confined), Reach(_degraded(current))]
        name = global_name(current)
        if name:
            found.append(Reach(User(name, groups=(AUTHENTICATED, CLUSTER_GROUP_PREFIX + home_cluster(current)))))
        waiting += warrants(current)
    return tuple(found)


def effective_groups(users: tuple[User, ...]) -> frozenset[str]:
    """All groups of effective users."""
    return frozenset(group for user in users for group in user.groups)


def bound_user(user: User) -> User:
    """The user as a maximal permission policy knows it: everything prefixed, scopes kept.

    The result is expanded like any user, for the cluster the request is in, so that an identity out of scope degrades
    here too, and, having no unprefixed group, to an unauthenticated one.
    """
    name = global_name(user) or user.name
    extra = dict(user.extra)
    held = extra.pop(WARRANT_KEY, ())
    if held:
        extra[WARRANT_KEY] = tuple(_told(bound_user(warrant)) for warrant in warrants(user))
    return User(BINDING_PREFIX + name, user.uid, tuple(BINDING_PREFIX + group for group in user.groups), extra)


def _told(user: User) -> str:
    extra = {key: list(values) for key, values in user.extra.items()}
    return orjson.dumps({"user": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}).decode()
