"""Who a user counts as: section 4.4 of the tenancy reference as a table."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.auth.rbac.subjects import MAX_USERS, bound_user, effective_users, in_scope, reaches
from manifold.base.user import AUTHENTICATED, UNAUTHENTICATED, User

HOME = "authentication.kcp.io/cluster-name"
SCOPES = "authentication.kcp.io/scopes"
WARRANT = "authorization.kcp.io/warrant"
SA = "system:serviceaccount:ns:a"


def scoped(*scopes: str, home: str = "", name: str = "u", groups: tuple[str, ...] = (AUTHENTICATED,)) -> User:
    extra: dict[str, tuple[str, ...]] = {}
    if scopes:
        extra[SCOPES] = scopes
    if home:
        extra[HOME] = (home,)
    return User(name, groups=groups, extra=extra)


@pytest.mark.parametrize(
    ("user", "valid"),
    [
        (scoped(), True),
        (scoped("cluster:c"), True),
        (scoped("cluster:d"), False),
        (scoped("cluster:c,cluster:d"), True),
        (scoped("cluster:c", "cluster:d"), False),
        (scoped("cluster:c,cluster:d", "cluster:e,cluster:c"), True),
        (scoped("nonsense"), False),
        (scoped(name=SA), True),
        (scoped(name=SA, home="c"), True),
        (scoped(name=SA, home="d"), False),
        (scoped("cluster:c", name=SA, home="d"), False),
    ],
)
def test_scopes(user: User, valid: bool) -> None:
    assert in_scope(user, "c") is valid


def names_and_groups(users: tuple[User, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(user.name, user.groups) for user in users]


def test_a_plain_user_is_itself() -> None:
    user = User("u", groups=("g",))
    assert effective_users(user, "c") == (user,)


def test_out_of_scope_degrades_to_anonymous_and_keeps_being_somebody() -> None:
    user = scoped("cluster:d,cluster:e", groups=("admins", AUTHENTICATED))
    groups = (AUTHENTICATED, "system:cluster:d", "system:cluster:e")
    assert names_and_groups(effective_users(user, "c")) == [("system:anonymous", groups)]
    user = scoped("cluster:d", groups=("admins",))
    assert names_and_groups(effective_users(user, "c")) == [("system:anonymous", (UNAUTHENTICATED,))]


def test_a_foreign_service_account_is_known_by_its_global_name() -> None:
    user = scoped("cluster:d", home="d", name=SA)
    expected = (AUTHENTICATED, "system:cluster:d")
    assert names_and_groups(effective_users(user, "c")) == [
        ("system:anonymous", expected),
        ("system:kcp:serviceaccount:d:ns:a", expected),
    ]
    at_home = effective_users(user, "d")
    assert at_home[0] == user
    assert at_home[1].name == "system:kcp:serviceaccount:d:ns:a"


def warrant(**body: object) -> str:
    return orjson.dumps(body).decode()


def test_warrants_add_identities() -> None:
    inner = warrant(user="third", groups=["z"])
    held = (
        "not json",
        warrant(user=SA),
        warrant(user="other", groups=["g"], uid="1"),
        warrant(user="second", extra={WARRANT: [inner], SCOPES: ["cluster:elsewhere"]}),
        warrant(user=1),
        "[]",
    )
    users = effective_users(User("u", extra={WARRANT: held}), "c")
    assert names_and_groups(users) == [
        ("u", ()),
        ("other", ("g",)),
        ("system:anonymous", (UNAUTHENTICATED,)),
        ("third", ("z",)),
    ]


def test_identities_are_bounded() -> None:
    held = tuple(warrant(user=f"u{number}") for number in range(500))
    assert len(effective_users(User("u", extra={WARRANT: held}), "c")) <= MAX_USERS + 1


def test_a_maximal_permission_policy_knows_prefixed_names() -> None:
    user = bound_user(User("u", groups=("g", AUTHENTICATED), extra={WARRANT: (warrant(user="w", groups=["h"]),)}))
    assert names_and_groups(effective_users(user, "c")) == [
        ("apis.kcp.io:binding:u", ("apis.kcp.io:binding:g", "apis.kcp.io:binding:" + AUTHENTICATED)),
        ("apis.kcp.io:binding:w", ("apis.kcp.io:binding:h",)),
    ]
    account = bound_user(scoped("cluster:d", home="d", name=SA))
    assert account.name == "apis.kcp.io:binding:system:kcp:serviceaccount:d:ns:a"
    assert names_and_groups(effective_users(account, "c")) == [("system:anonymous", (UNAUTHENTICATED,))]
    assert effective_users(account, "d") == (account,)


_identities = st.builds(
    lambda name, groups, scopes, homes: User(
        name, "", groups, {key: value for key, value in ((SCOPES, scopes), (HOME, homes)) if value}
    ),
    st.sampled_from(["u", "v", SA]),
    st.sets(st.sampled_from(["g", "h", AUTHENTICATED])).map(lambda found: tuple(sorted(found))),
    st.lists(st.sampled_from(["cluster:c", "cluster:d", "cluster:c,cluster:e", "x"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["c", "d"]), max_size=2, unique=True).map(tuple),
)


@given(_identities, st.lists(_identities, max_size=3), st.sampled_from(["c", "d", "e", "f"]))
def test_reaches_are_all_there_is_to_look_for(user: User, held: list[User], cluster: str) -> None:
    """Whoever a user counts as in a logical cluster is among its reaches, and not beyond where these go."""
    warranted = tuple(
        orjson.dumps(
            {"user": one.name, "groups": one.groups, "extra": {key: list(values) for key, values in one.extra.items()}}
        ).decode()
        for one in held
    )
    user = User(user.name, user.uid, user.groups, {**user.extra, WARRANT: warranted})
    here = {
        (one.user.name, one.user.groups) for one in reaches(user) if one.clusters is None or cluster in one.clusters
    }
    assert set(names_and_groups(effective_users(user, cluster))) <= here
