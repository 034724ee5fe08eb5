"""Making and reading X.509 certificates: the part of certificate handling that needs `cryptography`.

Imported only when something has to be issued or a foreign file has to be read. Guarantees RFC 5280 profiles that Go,
OpenSSL and Python accept: a CA with path length 0 and key identifiers, a serving certificate with `serverAuth` and
all names as subject alternative names. Everything else raises ValueError.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that can issue: certificate and key as objects and in PEM, `expires` in seconds since the epoch."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_pem: bytes
    key_pem: bytes

    @property
    def expires(self) -> float:
        """When the CA certificate ends."""
        return self.certificate.not_valid_after_utc.timestamp()


def authority(certificate_pem: bytes, key_pem: bytes) -> Authority:
    """The CA of two PEM files. Raises ValueError where they are none, or do not belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = serialization.load_pem_private_key(key_pem, None)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        raise ValueError("they cannot be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not on an elliptic curve")
    if certificate.public_key() != key.public_key():
        raise ValueError("the key is not the certificate's")
    if not constraints.ca:
        raise ValueError("the certificate is not a CA's")
    return Authority(certificate, key, certificate_pem, key_pem)


def new_authority(start: float, end: float) -> Authority:
    """A new CA valid from `start` to `end`, seconds since the epoch."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"manifold-ca@{int(start)}")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    certificate = (
        _builder(name, name, public, start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key, _pem(certificate), _key_pem(key))


def serving(issuer: Authority, names: Sequence[str], start: float, end: float) -> tuple[bytes, bytes]:
    """A serving certificate for `names` (host names, IP addresses) and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"manifold@{int(start)}")])
    issuer_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    certificate = (
        _builder(subject, issuer.certificate.subject, public, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signing_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(issuer_identifier, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return _pem(certificate), _key_pem(key)


def inspect(chain_pem: bytes, key_pem: bytes, authority_pem: bytes) -> tuple[float, frozenset[str]]:
    """Expiry (seconds since the epoch) and names of the serving certificate at the head of `chain_pem`.

    Raises ValueError where it cannot be read, the key is not its own, or the CA in `authority_pem` did not issue it.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain_pem)
        issuer = x509.load_pem_x509_certificate(authority_pem)
        key = serialization.load_pem_private_key(key_pem, None)
        certificate = certificates[0]
        certificate.verify_directly_issued_by(issuer)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm, InvalidSignature, x509.ExtensionNotFound):
        raise ValueError("no certificate of this CA") from None
    if certificate.public_key() != key.public_key() or issuer not in certificates[1:]:
        raise ValueError("not a pair")
    found = {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
    return certificate.not_valid_after_utc.timestamp(), frozenset(found)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, start: float, end: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(int(start), UTC))
        .not_valid_after(datetime.fromtimestamp(int(end), UTC))
    )


def _usage(signing_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signing_certificates,
        crl_sign=signing_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
