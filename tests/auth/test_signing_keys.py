"""Keys that sign tokens: which are usable, which are our own, and what is published of them."""

from __future__ import annotations

import pytest
from auth_world import ISSUER
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from manifold.auth.authentication.signing import InvalidSignature, SigningKeys, UnusableKey, generate_key, is_generated

KEY = generate_key()


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
