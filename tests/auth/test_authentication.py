"""Who a request is from: bearer tokens, certificates, nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from manifold.auth.authentication.authenticator import Authentication, bearer
from manifold.auth.authentication.certificates import Certificates, certificate_user
from manifold.auth.authentication.static import (
    StaticTokens,
)
from manifold.base.errors import StatusError
from manifold.base.user import AUTHENTICATED, User, anonymous


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
