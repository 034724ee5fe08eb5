"""The own CA and serving certificate: issued, kept, renewed, refused."""

import ssl
import stat
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from manifold.server.certificates import AUTHORITY_LIFETIME, DAY, RENEW_BEFORE, SERVING_LIFETIME, ensure
from manifold.server.files import FileError

NAMES = ("localhost", "127.0.0.1", "::1", "host.example")
NOW = time.time()


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def leaf(directory):
    return x509.load_pem_x509_certificates((directory / "apiserver.crt").read_bytes())[0]


def test_what_is_issued(tmp_path):
    made = ensure(tmp_path, NAMES, NOW)
    assert made.issued
    authority = x509.load_pem_x509_certificate(made.authority)
    chain = x509.load_pem_x509_certificates(made.chain.read_bytes())
    assert chain[1] == authority
    chain[0].verify_directly_issued_by(authority)
    assert chain[0].not_valid_after_utc.timestamp() == int(NOW + SERVING_LIFETIME)
    assert authority.not_valid_after_utc.timestamp() == int(NOW + AUTHORITY_LIFETIME)
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "host.example"}
    assert set(map(str, names.get_values_for_type(x509.IPAddress))) == {"127.0.0.1", "::1"}
    usage = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {
        "ca.crt": 0o644, "ca.key": 0o600, "apiserver.crt": 0o644, "apiserver.key": 0o600, "apiserver.json": 0o644
    }  # fmt: skip
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.chain, made.key)


def test_nothing_changes_while_it_is_good(tmp_path):
    ensure(tmp_path, NAMES, NOW)
    before = contents(tmp_path)
    made = ensure(tmp_path, NAMES[:2], NOW + SERVING_LIFETIME - RENEW_BEFORE - DAY)
    assert not made.issued
    assert contents(tmp_path) == before


def test_the_note_is_not_needed_nor_believed_about_other_files(tmp_path):
    ensure(tmp_path, NAMES, NOW)
    (tmp_path / "apiserver.json").unlink()
    assert not ensure(tmp_path, NAMES, NOW).issued
    (tmp_path / "apiserver.json").write_text('{"chain": "0", "authority": "0", "expires": 9e99, "names": []}')
    assert not ensure(tmp_path, NAMES, NOW).issued
    (tmp_path / "apiserver.json").write_text("[]")
    assert not ensure(tmp_path, NAMES, NOW).issued


@pytest.mark.parametrize("with_note", [True, False])
def test_it_is_renewed_under_the_same_ca(tmp_path, with_note):
    first = ensure(tmp_path, NAMES, NOW)
    before = contents(tmp_path)
    if not with_note:
        (tmp_path / "apiserver.json").unlink()
    made = ensure(tmp_path, NAMES, NOW + SERVING_LIFETIME - RENEW_BEFORE + DAY)
    after = contents(tmp_path)
    assert made.issued
    assert made.authority == first.authority
    assert after["ca.key"] == before["ca.key"]
    assert after["apiserver.crt"] != before["apiserver.crt"]


def test_another_name_needs_another_certificate(tmp_path):
    ensure(tmp_path, NAMES, NOW)
    authority = (tmp_path / "ca.crt").read_bytes()
    made = ensure(tmp_path, [*NAMES, "192.0.2.7"], NOW)
    assert made.issued
    assert made.authority == authority
    names = leaf(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.0.2.7" in map(str, names.get_values_for_type(x509.IPAddress))


def test_a_ca_that_would_end_first_is_replaced(tmp_path):
    first = ensure(tmp_path, NAMES, NOW)
    made = ensure(tmp_path, NAMES, NOW + AUTHORITY_LIFETIME - SERVING_LIFETIME + DAY)
    assert made.authority != first.authority


def test_a_start_that_died_between_files_is_mended(tmp_path):
    ensure(tmp_path, NAMES, NOW)
    other = tmp_path / "other"
    ensure(other, NAMES, NOW)
    (tmp_path / "apiserver.key").write_bytes((other / "apiserver.key").read_bytes())
    (tmp_path / "apiserver.json").unlink()
    made = ensure(tmp_path, NAMES, NOW)
    assert made.issued
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.chain, made.key)


@pytest.mark.parametrize("lost", ["apiserver.crt", "apiserver.key"])
def test_a_lost_file_is_made_again(tmp_path, lost):
    ensure(tmp_path, NAMES, NOW)
    (tmp_path / lost).unlink()
    assert ensure(tmp_path, NAMES, NOW).issued


def test_a_good_certificate_is_served_without_the_key_of_its_ca(tmp_path):
    ensure(tmp_path, NAMES, NOW)
    (tmp_path / "ca.key").unlink()
    assert not ensure(tmp_path, NAMES, NOW).issued
    with pytest.raises(FileError, match=r"ca\.crt is there without .*ca\.key"):
        ensure(tmp_path, ["other.example"], NOW)


@pytest.mark.parametrize(("name", "content"), [("ca.crt", b"x"), ("ca.key", b"x"), ("ca.crt", b"")])
def test_a_ca_that_cannot_be_read_is_not_replaced_silently(tmp_path, name, content):
    ensure(tmp_path, NAMES, NOW)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match="are no CA to issue with"):
        ensure(tmp_path, ["other.example"], NOW)


def test_a_foreign_ca_pair_is_noticed(tmp_path):
    ensure(tmp_path, NAMES, NOW)
    other = tmp_path / "other"
    ensure(other, NAMES, NOW)
    (tmp_path / "ca.crt").write_bytes((other / "ca.crt").read_bytes())
    with pytest.raises(FileError, match="the key is not the certificate's"):
        ensure(tmp_path, NAMES, NOW)
    (tmp_path / "ca.key").write_bytes((other / "ca.key").read_bytes())
    made = ensure(tmp_path, NAMES, NOW)
    assert made.issued
    assert made.authority == (other / "ca.crt").read_bytes()
