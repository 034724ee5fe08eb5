"""Tokens of service accounts: whom they name, how long they are good and for whom, and forged ones."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest
from auth_world import ISSUER, World

from manifold.auth.authentication.authenticator import Authentication
from manifold.auth.authentication.service_accounts import (
    BoundObject,
    InvalidToken,
    ServiceAccounts,
    TokenIssuer,
    token_cluster,
    unverified_claims,
)
from manifold.auth.authentication.signing import SigningKeys, generate_key
from manifold.auth.authentication.static import StaticTokens
from manifold.base.errors import StatusError
from manifold.base.keys import ObjectKey
from manifold.base.user import AUTHENTICATED, User

NOW = 1_800_000_000.0
ACCOUNT = ObjectKey("", "serviceaccounts", "", "c1", "ns", "sa")
SECRET = ObjectKey("", "secrets", "", "c1", "ns", "kept")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Accounts:
    """A service account `ns/sa` in the logical cluster `c1`, an issuer, and an authenticator that knows both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = Clock()
        self.issuer = TokenIssuer(SigningKeys([generate_key()]), new_id=lambda: "id-1")
        self.accounts = ServiceAccounts(world.store, self.issuer)
        self.authentication = Authentication(StaticTokens(), self.accounts, clock=self.clock)

    async def create(self) -> Accounts:
        await self.world.cluster("c1")
        await self.world.put(ACCOUNT, {"metadata": {"uid": "u-1"}})
        return self

    def token(self, **changes: Any) -> str:
        values: dict[str, Any] = {
            "cluster": "c1",
            "namespace": "ns",
            "name": "sa",
            "uid": "u-1",
            "audiences": [ISSUER],
            "expiration_seconds": 3600,
            "now": self.clock.now,
        }
        return self.issuer.issue(**{**values, **changes})

    async def good(self, token: str) -> bool:
        try:
            await self.authentication.authenticate("Bearer " + token, None, "c1")
        except StatusError as error:
            if error.code != 401:
                raise
            return False
        return True

    async def why(self, token: str, *audiences: str) -> str:
        with pytest.raises(InvalidToken) as raised:
            await self.authentication.review(token, audiences)
        return str(raised.value)


async def test_a_service_account(world: World) -> None:
    held = await Accounts(world).create()
    token = held.token()
    user = await held.authentication.authenticate("Bearer " + token, None, "c1")
    assert user == User(
        "system:serviceaccount:ns:sa",
        "u-1",
        ("system:serviceaccounts", "system:serviceaccounts:ns", AUTHENTICATED),
        {
            "authentication.kcp.io/cluster-name": ("c1",),
            "authentication.kcp.io/scopes": ("cluster:c1",),
            "authentication.kubernetes.io/credential-id": ("JTI=id-1",),
        },
    )
    assert token_cluster(token) == "c1"
    assert unverified_claims(token) == {
        "aud": [ISSUER],
        "exp": int(NOW) + 3600,
        "iat": int(NOW),
        "iss": ISSUER,
        "jti": "id-1",
        "kubernetes.io": {"clusterName": "c1", "namespace": "ns", "serviceaccount": {"name": "sa", "uid": "u-1"}},
        "nbf": int(NOW),
        "sub": "system:serviceaccount:ns:sa",
    }
    for text in ("", "x", "a.b.c", "a.e30.c"):
        assert token_cluster(text) == ""


async def test_an_account_that_is_gone(world: World) -> None:
    held = await Accounts(world).create()
    token = held.token()
    assert await held.good(token)
    await world.delete(ACCOUNT)
    assert not await held.good(token)
    assert await held.why(token) == '[invalid bearer token, serviceaccounts "sa" not found]'
    await world.put(ACCOUNT, {"metadata": {"uid": "u-2"}})
    assert not await held.good(token)
    assert await held.why(token) == "[invalid bearer token, service account UID (u-2) does not match claim (u-1)]"
    await world.put(ACCOUNT, {"metadata": {"uid": "u-1"}})
    assert await held.good(token)
    await world.put(ACCOUNT, {"metadata": {"uid": "u-1", "deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert not await held.good(token)


async def test_an_account_whose_logical_cluster_is_gone(world: World) -> None:
    held = await Accounts(world).create()
    token = held.token()
    assert await held.good(token)
    await world.delete(ObjectKey("core.kcp.io", "logicalclusters", "", "c1", "", "cluster"))
    assert not await held.good(token)


async def test_times(world: World) -> None:
    held = await Accounts(world).create()
    token = held.token()
    assert await held.good(token)
    held.clock.now = NOW + 3599
    assert await held.good(token)
    held.clock.now = NOW + 3600
    assert not await held.good(token)
    assert await held.why(token) == "[invalid bearer token, service account token has expired]"
    early = held.token(now=held.clock.now + 3600)
    assert await held.why(early) == "[invalid bearer token, service account token is not valid yet]"


async def test_audiences(world: World) -> None:
    held = await Accounts(world).create()
    other = held.token(audiences=["a", "b"])
    assert not await held.good(other)
    user, audiences = await held.authentication.review(other, ("b", "c"))
    assert (user.name, audiences) == ("system:serviceaccount:ns:sa", ("b",))
    assert await held.why(held.token(), "zzz") == (
        f'[invalid bearer token, token audiences ["{ISSUER}"] is invalid for the target audiences ["zzz"]]'
    )


async def test_a_token_bound_to_a_secret(world: World) -> None:
    held = await Accounts(world).create()
    token = held.token(bound=BoundObject("Secret", "kept", "s-1"))
    assert not await held.good(token)
    await world.put(SECRET, {"metadata": {"uid": "s-1"}})
    assert await held.good(token)
    await world.delete(SECRET)
    assert not await held.good(token)
    await world.put(SECRET, {"metadata": {"uid": "s-2"}})
    assert not await held.good(token)


async def test_a_legacy_token_is_good_while_its_secret_holds_it(world: World) -> None:
    held = await Accounts(world).create()
    about = {
        "clusterName": "c1",
        "namespace": "ns",
        "secret.name": "kept",
        "service-account.name": "sa",
        "service-account.uid": "u-1",
    }
    claims = {f"kubernetes.io/serviceaccount/{name}": value for name, value in about.items()}
    token = held.issuer.signing.sign(
        {**claims, "iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:ns:sa"}
    )
    assert token_cluster(token) == "c1"
    assert not await held.good(token)
    await world.put(SECRET, {"metadata": {"uid": "s-1"}, "data": {"token": b64encode(token.encode()).decode()}})
    assert await held.good(token)
    held.clock.now = NOW * 2
    assert await held.good(token)
    await world.put(SECRET, {"metadata": {"uid": "s-1"}, "data": {"token": b64encode(b"other").decode()}})
    assert not await held.good(token)


async def test_forged_tokens(world: World) -> None:
    held = await Accounts(world).create()
    other = TokenIssuer(SigningKeys([generate_key()]))
    forged = other.issue("c1", "ns", "sa", "u-1", [ISSUER], 3600, NOW)
    assert not await held.good(forged)
    header, payload, signature = held.token().split(".")
    claims = {**(unverified_claims(held.token()) or {}), "sub": "system:serviceaccount:ns:other"}
    changed = b64encode(orjson.dumps(claims)).decode().rstrip("=").replace("+", "-").replace("/", "_")
    assert not await held.good(f"{header}.{changed}.{signature}")
    none = b64encode(b'{"alg":"none"}').decode().rstrip("=")
    assert not await held.good(f"{none}.{payload}.")
    assert not await held.good(f"{header}.{payload}.")
    for claims in (
        {"iss": ISSUER, "aud": [ISSUER], "exp": NOW * 2, "sub": "system:serviceaccount:ns:sa"},
        {"iss": "elsewhere", "sub": "system:serviceaccount:ns:sa"},
        {"iss": ISSUER, "kubernetes.io": "x"},
    ):
        assert not await held.good(held.issuer.signing.sign(claims))
