"""Service account tokens: what they say, how they are issued, and whether they are still good.

A token is a JWT that names its account, its logical cluster and, where it is bound, a Secret (section 4.4 of the
tenancy reference). Its signature and times say that it was good once; whether the account still exists is looked up
in the store when it is used. What was looked up is held until it changes, so a deleted account is refused from the
next request on.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from manifold.auth.authentication.signing import ISSUER, InvalidSignature, SigningKeys, fingerprint
from manifold.auth.logical_clusters import LogicalClusters
from manifold.auth.names import (
    CLUSTER_NAME_KEY,
    CREDENTIAL_KEY,
    SCOPE_PREFIX,
    SCOPES_KEY,
    service_account_groups,
    service_account_user,
)
from manifold.auth.rbac.held import Derived, Held
from manifold.auth.rbac.rules import shown_list
from manifold.auth.rbac.store import content
from manifold.base import keys
from manifold.base.user import AUTHENTICATED, User
from manifold.storage.contract import Change, Store

LEGACY_ISSUER = "kubernetes/serviceaccount"
_LEGACY = "kubernetes.io/serviceaccount/"
_LEEWAY = 60
"""Seconds a clock of another machine may be ahead when it issues a token."""


class InvalidToken(Exception):
    """A bearer token is not good. The message is what a TokenReview may tell; a request is only told 401."""


@dataclass(frozen=True, slots=True)
class BoundObject:
    """What a token is bound to: `kind` is `Secret` (or, of foreign origin, `Pod` or `Node`)."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `expires` is seconds since the epoch; infinite for legacy tokens.

    `secret` is the name of the Secret it is bound to or, for legacy tokens, kept in; `secret_uid` is empty for the
    latter.
    """

    cluster: str
    namespace: str
    name: str
    uid: str
    audiences: tuple[str, ...]
    token_id: str
    expires: float
    not_before: float
    secret: str = ""
    secret_uid: str = ""
    legacy: bool = False

    def user(self) -> User:
        """The identity of the account, confined to its logical cluster."""
        extra = {CLUSTER_NAME_KEY: (self.cluster,), SCOPES_KEY: (SCOPE_PREFIX + self.cluster,)}
        if self.token_id:
            extra[CREDENTIAL_KEY] = ("JTI=" + self.token_id,)
        groups = (*service_account_groups(self.namespace), AUTHENTICATED)
        return User(service_account_user(self.namespace, self.name), self.uid, groups, extra)


def unverified_claims(token: str) -> Mapping[str, Any] | None:
    """The claims a JWT states, whoever signed it; None where the text is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def token_cluster(token: str) -> str:
    """The logical cluster a service account token says it is from, unverified; empty for all other tokens.

    A request that names no logical cluster is sent to that one (section 2.2 of the tenancy reference).
    """
    claims = unverified_claims(token)
    if claims is None:
        return ""
    bound = claims.get("kubernetes.io")
    cluster = bound.get("clusterName") if isinstance(bound, dict) else claims.get(_LEGACY + "clusterName")
    return cluster if isinstance(cluster, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _part(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def read_claims(claims: Mapping[str, Any], issuer: str) -> Claims | None:
    """The claims of a service account token of this issuer, or None where it is another kind of token."""
    if claims.get("iss") == LEGACY_ISSUER:
        namespace, name, uid, secret, cluster = (
            _text(claims.get(_LEGACY + key))
            for key in ("namespace", "service-account.name", "service-account.uid", "secret.name", "clusterName")
        )
        if not (cluster and namespace and name and uid and secret):
            return None
        return Claims(cluster, namespace, name, uid, (), "", float("inf"), 0.0, secret, legacy=True)
    if claims.get("iss") != issuer:
        return None
    bound = _part(claims.get("kubernetes.io"))
    account, secret_claim = _part(bound.get("serviceaccount")), _part(bound.get("secret"))
    namespace, name, uid = _text(bound.get("namespace")), _text(account.get("name")), _text(account.get("uid"))
    cluster = _text(bound.get("clusterName"))
    if not (cluster and namespace and name and uid) or claims.get("sub") != service_account_user(namespace, name):
        return None  # without a logical cluster it would be valid in all of them
    stated = claims.get("aud")
    audiences = (stated,) if isinstance(stated, str) else tuple(map(_text, stated)) if isinstance(stated, list) else ()
    return Claims(
        cluster,
        namespace,
        name,
        uid,
        audiences,
        _text(claims.get("jti")),
        _seconds(claims.get("exp")),
        _seconds(claims.get("nbf")),
        _text(secret_claim.get("name")),
        _text(secret_claim.get("uid")),
    )


class TokenIssuer:
    """Issues service account tokens. `new_id` gives the ids tokens are told apart by."""

    def __init__(
        self, signing: SigningKeys, issuer: str = ISSUER, new_id: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self.signing = signing
        self.issuer = issuer
        self._new_id = new_id

    def issue(
        self,
        cluster: str,
        namespace: str,
        name: str,
        uid: str,
        audiences: Sequence[str],
        expiration_seconds: int,
        now: float,
        bound: BoundObject | None = None,
    ) -> str:
        """A token for the account, valid for `audiences` from `now` (seconds since the epoch) on."""
        about: dict[str, Any] = {"clusterName": cluster, "namespace": namespace}
        if bound is not None:
            about[bound.kind.lower()] = {"name": bound.name, "uid": bound.uid}
        about["serviceaccount"] = {"name": name, "uid": uid}
        issued = int(now)
        return self.signing.sign(
            {
                "aud": list(audiences),
                "exp": issued + expiration_seconds,
                "iat": issued,
                "iss": self.issuer,
                "jti": self._new_id(),
                "kubernetes.io": about,
                "nbf": issued,
                "sub": service_account_user(namespace, name),
            }
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is held of an object a token rests on. `token` is the fingerprint of the token a Secret holds."""

    uid: str
    deleting: bool
    token: bytes = b""


_PREFIXES = (keys.type_prefix("", "serviceaccounts"), keys.type_prefix("", "secrets"))


class ServiceAccounts:
    """Verifies service account tokens against the keys of `issuer` and the objects in the store.

    `logical_clusters` may be shared with the authorizer, which holds the same.
    """

    def __init__(
        self,
        store: Store,
        issuer: TokenIssuer,
        logical_clusters: LogicalClusters | None = None,
        limit: int = 65_536,
    ) -> None:
        self.issuer = issuer
        self._store = store
        self._objects: Derived[_Stored | None] = Derived(self._load, limit)
        self._clusters = logical_clusters or LogicalClusters(store, limit)
        store.listen(self.on_changes)

    def on_changes(self, changes: Sequence[Change]) -> None:
        """Drop what the changes touch. A listener of the store."""
        for change in changes:
            if change.key.startswith(_PREFIXES):
                self._objects.drop(change.key.decode())

    async def _load(self, key: str) -> tuple[_Stored | None, int]:
        row = await (await self._store.snapshot()).get(key.encode())
        if row is None:
            return None, 1
        obj = content(row)
        metadata = obj["metadata"]
        token = (obj.get("data") or {}).get("token", "")
        try:
            kept = fingerprint(b64decode(token)) if token else b""
        except ValueError:
            kept = b""
        return _Stored(_text(metadata.get("uid")), "deletionTimestamp" in metadata, kept), 1

    async def _held(self, resource: str, claims: Claims, name: str) -> Held[_Stored | None]:
        key = keys.ObjectKey("", resource, "", claims.cluster, claims.namespace, name)
        return await self._objects.get(key.encode().decode())

    def is_ours(self, token: str) -> bool:
        """Whether a token says it is of this issuer, so that nobody else need be asked about it."""
        stated = unverified_claims(token)
        return stated is not None and read_claims(stated, self.issuer.issuer) is not None

    async def verify(self, token: str, audiences: Sequence[str], now: float) -> tuple[Claims, Sequence[Held[Any]]]:
        """What the token says, and what it rests on: it is good while none of that is stale, and not expired.

        `audiences`: one of them must be the token's. Raises InvalidToken.
        """
        try:
            claims = read_claims(self.issuer.signing.verify(token), self.issuer.issuer)
        except InvalidSignature:
            claims = None
        if claims is None:
            raise InvalidToken("invalid bearer token")
        if not claims.legacy and not set(claims.audiences).intersection(audiences):
            target = f"{shown_list(claims.audiences)} is invalid for the target audiences {shown_list(audiences)}"
            raise InvalidToken(f"token audiences {target}")
        if claims.expires <= now:
            raise InvalidToken("service account token has expired")
        if claims.not_before > now + _LEEWAY:
            raise InvalidToken("service account token is not valid yet")
        return claims, await self._existing(claims, token)

    async def _existing(self, claims: Claims, token: str) -> Sequence[Held[Any]]:
        try:
            rests_on: list[Held[Any]] = [await self._held("serviceaccounts", claims, claims.name)]
        except ValueError as error:  # a name that cannot be a key is no object's name
            raise InvalidToken("invalid bearer token") from error
        account: _Stored | None = rests_on[0].value
        if account is None:
            raise InvalidToken(f'serviceaccounts "{claims.name}" not found')
        if account.deleting:
            raise InvalidToken(f"service account {claims.namespace}/{claims.name} has been deleted")
        if account.uid != claims.uid:
            raise InvalidToken(f"service account UID ({account.uid}) does not match claim ({claims.uid})")
        if not claims.cluster.startswith("system:"):
            home = await self._clusters.get(claims.cluster)
            rests_on.append(home)
            if home.value is None:
                raise InvalidToken("the service account's logical cluster does not exist")
        if claims.secret:
            held = await self._held("secrets", claims, claims.secret)
            rests_on.append(held)
            secret = held.value
            if secret is None or secret.deleting:
                raise InvalidToken("service account token has been invalidated")
            if claims.legacy:
                if secret.token != fingerprint(token.encode()):
                    raise InvalidToken("token does not match the server's copy")
            elif secret.uid != claims.secret_uid:
                uid = f"({secret.uid}) does not match service account secret ref claim ({claims.secret_uid})"
                raise InvalidToken(f"secret UID {uid}")
        return rests_on
