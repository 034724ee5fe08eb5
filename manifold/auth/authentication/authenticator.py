"""The one authenticator of a server: certificate, then bearer token, then nobody.

What a header stood for is remembered by its digest, together with what that rests on, so a token seen before costs a
hash and a lookup, and a token whose account is gone is looked at again at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Any

from manifold.auth.authentication.certificates import Certificates
from manifold.auth.authentication.service_accounts import InvalidToken, ServiceAccounts
from manifold.auth.authentication.signing import ISSUER
from manifold.auth.authentication.static import StaticTokens, digest
from manifold.auth.rbac.held import Held, Recent
from manifold.base.errors import unauthorized
from manifold.base.user import AUTHENTICATED, User, anonymous

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_GOOD = "invalid bearer token"
_ANONYMOUS = anonymous()


def bearer(authorization: str) -> str:
    """The token of an Authorization header; empty where it is of another scheme, which then counts as absent."""
    parts = authorization.strip().split(" ", 2)
    return parts[1] if len(parts) > 1 and parts[0].lower() == "bearer" else ""


def _authenticated(user: User) -> User:
    return user if AUTHENTICATED in user.groups else replace(user, groups=(*user.groups, AUTHENTICATED))


@dataclass(frozen=True, slots=True)
class _Seen:
    user: User
    expires: float
    rests_on: tuple[Held[Any], ...]


class Authentication:
    """Implements `Authenticator` from what a server was configured with.

    `audiences` are those of the API itself; `clock` gives seconds since the epoch. With `anonymous_allowed` false, a
    request without credentials is refused like one with bad ones.
    """

    def __init__(
        self,
        tokens: StaticTokens,
        service_accounts: ServiceAccounts | None = None,
        certificates: Certificates | None = None,
        audiences: Sequence[str] = (ISSUER,),
        anonymous_allowed: bool = True,
        clock: Callable[[], float] = time,
        remembered: int = 65_536,
    ) -> None:
        self._tokens = tokens
        self._service_accounts = service_accounts
        self._certificates = certificates or Certificates()
        self._audiences = tuple(audiences)
        self._anonymous_allowed = anonymous_allowed
        self._clock = clock
        self._seen: Recent[bytes, _Seen] = Recent(remembered)

    async def authenticate(self, authorization: str, certificate: bytes | None, cluster: str) -> User:
        """The caller (see `Authenticator`). No way to authenticate here depends on `cluster`."""
        if certificate is not None:
            named = self._certificates.user(certificate)
            if named is not None:
                return _authenticated(named)
        if authorization:
            key = sha256(authorization.encode(errors="surrogateescape")).digest()
            seen = self._seen.get(key)
            if seen is not None:
                if not seen.rests_on:
                    return seen.user
                if seen.expires > self._clock() and not any(held.stale for held in seen.rests_on):
                    return seen.user
            token = bearer(authorization)
            if token:
                return await self._first(key, token)
        if not self._anonymous_allowed:
            raise unauthorized()
        return _ANONYMOUS

    async def _first(self, key: bytes, token: str) -> User:
        try:
            user, _, expires, rests_on = await self._verify(token, self._audiences)
        except InvalidToken as error:
            self._seen.drop(key)
            raise unauthorized() from error
        self._seen.put(key, _Seen(user, expires, rests_on))
        return user

    async def review(self, token: str, audiences: Sequence[str]) -> tuple[User, tuple[str, ...]]:
        """Whose token it is, and for which of the audiences asked for (empty: those of the API) it is good.

        Raises InvalidToken, whose text a TokenReview tells.
        """
        wanted = tuple(audiences) or self._audiences
        user, good_for, _, _ = await self._verify(token, wanted)
        return user, good_for

    async def _verify(
        self, token: str, audiences: tuple[str, ...]
    ) -> tuple[User, tuple[str, ...], float, tuple[Held[Any], ...]]:
        static = self._tokens.user(digest(token))
        if static is not None:
            good_for = tuple(audience for audience in audiences if audience in self._audiences)
            if not good_for:
                raise InvalidToken(NOT_GOOD)
            return _authenticated(static), good_for, float("inf"), ()
        accounts = self._service_accounts
        if accounts is None or not accounts.is_ours(token):
            raise InvalidToken(NOT_GOOD)
        try:
            claims, rests_on = await accounts.verify(token, audiences, self._clock())
        except InvalidToken as error:
            raise InvalidToken(NOT_GOOD if str(error) == NOT_GOOD else f"[{NOT_GOOD}, {error}]") from error
        good_for = audiences if claims.legacy else tuple(item for item in audiences if item in claims.audiences)
        return claims.user(), good_for, claims.expires, tuple(rests_on)
