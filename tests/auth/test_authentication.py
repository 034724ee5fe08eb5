"""Credentials: static tokens and their file, certificates, service account tokens, nobody."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from auth_world import World
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from manifold.auth.authentication.authenticator import Authentication, bearer
from manifold.auth.authentication.certificates import Certificates, certificate_user
from manifold.auth.authentication.service_accounts import (
    BoundObject,
    InvalidToken,
    ServiceAccounts,
    TokenIssuer,
    token_cluster,
    unverified_claims,
)
from manifold.auth.authentication.signing import InvalidSignature, SigningKeys, UnusableKey, generate_key, is_generated
from manifold.auth.authentication.static import (
    StaticTokens,
    TokenFileError,
    digest,
    parse_token_file,
    read_token_file,
)
from manifold.base.errors import StatusError
from manifold.base.keys import ObjectKey
from manifold.base.user import AUTHENTICATED, User, anonymous

ISSUER = "https://kcp.default.svc"
KEY = generate_key()
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("", ""),
        ("Bearer x", "x"),
        ("bearer x", "x"),
        ("  Bearer x ", "x"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer x y", "x"),
        ("Basic dTpw", ""),
        ("x", ""),
    ],
)
def test_bearer_tokens_in_headers(header: str, token: str) -> None:
    assert bearer(header) == token


FILE = """\
user-1-token,user-1,1111-uid,"team-1"
admin-token,admin,5555-uid,"system:masters, other"

plain,plain,9
"""


def tokens_of(tokens: StaticTokens, *names: str) -> list[User | None]:
    return [tokens.user(digest(name)) for name in names]


def test_a_token_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text(FILE)
    found = tokens_of(read_token_file(path), "user-1-token", "admin-token", "plain", "none")
    assert found == [
        User("user-1", "1111-uid", ("team-1",)),
        User("admin", "5555-uid", ("system:masters", "other")),
        User("plain", "9"),
        None,
    ]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a,b,c\nsecret,b\n", 2, "at least 3 columns"),
        ("a,b,c\n\n,b,c\n", 3, "token is empty"),
        ("secret,,c\n", 1, "user name is empty"),
        ('secret,b,c,"open\n', 1, "unexpected end of data"),
    ],
)
def test_a_wrong_token_file_names_the_line_and_no_token(text: str, line: int, why: str) -> None:
    with pytest.raises(TokenFileError) as raised:
        parse_token_file(text, "tokens.csv")
    assert f"token file tokens.csv, line {line}: " in str(raised.value)
    assert why in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match="No such file"):
        read_token_file(tmp_path / "absent")
    (tmp_path / "latin").write_bytes(b"a,b,c\n\xe4,b,c\n")
    with pytest.raises(TokenFileError, match="line 2: not UTF-8"):
        read_token_file(tmp_path / "latin")


def test_no_token_is_kept_in_clear() -> None:
    tokens = StaticTokens({"very-secret": User("u")})
    assert "very-secret" not in repr(vars(tokens))


def certificate(*attributes: tuple[ObjectIdentifier, str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_certificates() -> None:
    uid = ObjectIdentifier("1.3.6.1.4.1.57683.2")
    der = certificate(
        (NameOID.COMMON_NAME, "jane"), (NameOID.ORGANIZATION_NAME, "a"), (NameOID.ORGANIZATION_NAME, "b"), (uid, "7")
    )
    certificates = Certificates(limit=4)
    user = certificates.user(der)
    assert user is not None
    assert (user.name, user.uid, user.groups) == ("jane", "7", ("a", "b"))
    assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")
    assert certificates.user(der) is user
    assert certificate_user(certificate((NameOID.ORGANIZATION_NAME, "a"))) is None
    assert certificate_user(certificate((NameOID.COMMON_NAME, "x"), (uid, "1"), (uid, "2"))) is None
    assert certificate_user(b"nonsense") is None


async def status(authentication: Authentication, header: str, certificate: bytes | None = None) -> int:
    with pytest.raises(StatusError) as raised:
        await authentication.authenticate(header, certificate, "w")
    assert raised.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    return raised.value.code


async def test_who_a_request_is_from() -> None:
    authentication = Authentication(
        StaticTokens({"t": User("u", groups=("g",)), "a": User("a", groups=(AUTHENTICATED,))})
    )
    for _ in range(2):
        assert await authentication.authenticate("", None, "w") == anonymous()
        assert await authentication.authenticate("Basic dTpw", None, "w") == anonymous()
        assert await authentication.authenticate("Bearer t", None, "w") == User("u", groups=("g", AUTHENTICATED))
        assert await authentication.authenticate("Bearer a", None, "w") == User("a", groups=(AUTHENTICATED,))
        assert await status(authentication, "Bearer wrong") == 401
        assert await status(authentication, "Bearer x.y.z") == 401
        assert await status(authentication, "Bearer \udce4") == 401
    der = certificate((NameOID.COMMON_NAME, "jane"))
    assert (await authentication.authenticate("Bearer t", der, "w")).name == "jane"
    assert (await authentication.authenticate("Bearer t", certificate(), "w")).name == "u"
    closed = Authentication(StaticTokens(), anonymous_allowed=False)
    assert await status(closed, "") == 401
    assert await status(closed, "Basic dTpw") == 401


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
        self.issuer = TokenIssuer(SigningKeys([KEY]), new_id=lambda: "id-1")
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
    token = held.issuer.issue_legacy("c1", "ns", "sa", "u-1", "kept")
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


def test_keys_that_are_none() -> None:
    public = serialization.load_pem_private_key(KEY, None).public_key()
    public_pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    SigningKeys([KEY, public_pem]).check()
    for pems in ([], [b"nonsense"], [public_pem]):
        with pytest.raises(UnusableKey):
            SigningKeys(pems).check()
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())):
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(UnusableKey):
            SigningKeys([pem]).check()


def test_keys_of_our_own_are_known_by_their_form() -> None:
    assert all(is_generated(generate_key()) for _ in range(20))
    other = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    lines = KEY.splitlines(keepends=True)
    torn = b"".join([*lines[:-2], lines[-1]])
    for pem in (
        b"",
        b"nonsense",
        other,
        KEY[:100],
        torn,
        KEY.replace(b"PRIVATE", b"PUBLIC"),
        KEY.replace(b"M", b"*", 1),
    ):
        assert not is_generated(pem)


def test_keys_sign_and_verify_and_are_published() -> None:
    old_key = rsa.generate_private_key(65537, 2048)
    old_pem = old_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    old, new = SigningKeys([old_pem]), SigningKeys([KEY, old_pem])
    assert new.verify(old.sign({"a": 1})) == {"a": 1}
    assert new.verify(new.sign({"a": 2})) == {"a": 2}
    with pytest.raises(InvalidSignature):
        old.verify(new.sign({"a": 2}))
    published = new.jwks()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in published] == [
        ("EC", "ES256", "sig"),
        ("RSA", "RS256", "sig"),
    ]
    assert not {"d", "p", "q"} & {name for key in published for name in key}
    assert new.discovery("https://host/openid/v1/jwks") == {
        "issuer": ISSUER,
        "jwks_uri": "https://host/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    }
