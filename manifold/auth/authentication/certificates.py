"""Client certificates: the subject's common name is the user, its organizations are the groups.

The connection has already verified the certificate. Parsing one costs tens of microseconds and a connection sends the
same one with every request, so results are kept by digest; the library is imported with the first certificate.
"""

from __future__ import annotations

from hashlib import sha256

from manifold.auth.names import CREDENTIAL_KEY
from manifold.auth.rbac.held import Recent
from manifold.base.user import User

_UID_OID = "1.3.6.1.4.1.57683.2"
"""The subject attribute Kubernetes reads a user's uid from."""


def certificate_user(der: bytes) -> User | None:
    """The user of a certificate in DER; None where it names none or cannot be read."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    try:
        subject = x509.load_der_x509_certificate(der).subject
        names = [str(item.value) for item in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        groups = [str(item.value) for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
        uids = [str(item.value) for item in subject.get_attributes_for_oid(ObjectIdentifier(_UID_OID))]
    except ValueError:
        return None
    if not names or not names[-1] or len(uids) > 1:
        return None
    extra = {CREDENTIAL_KEY: ("X509SHA256=" + sha256(der).hexdigest(),)}
    return User(names[-1], uids[0] if uids else "", tuple(groups), extra)


class Certificates:
    """Users of client certificates, the last `limit` of them remembered."""

    def __init__(self, limit: int = 4096) -> None:
        self._known: Recent[bytes, User] = Recent(limit)

    def user(self, der: bytes) -> User | None:
        """The user of a certificate, or None where it does not stand for one."""
        key = sha256(der).digest()
        user = self._known.get(key)
        if user is None:
            user = certificate_user(der)
            if user is not None:
                self._known.put(key, user)
        return user
