"""From a kubeconfig and flags to how a server is reached: its URL, whom to trust, who one is.

Guarantees: flags win over the kubeconfig; relative paths start at the file they stand in; inline data wins over files;
nothing secret is in an error's text. Keys are those of the kubeconfig (client-go's clientcmd v1).
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from manifold.cli.workspaces.contexts import pair
from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.kubeconfig import Entry, Kubeconfig, Values

if TYPE_CHECKING:
    import ssl

    from manifold.cli.workspaces.flags import Parsed


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a server and as whom. `headers` go with every request; `proxy` is the URL of an HTTP proxy."""

    server: str
    authority: bytes = b""
    """PEM certificates to trust; empty for those of the system."""
    insecure: bool = False
    server_name: str = ""
    """The name to expect in the server's certificate, and to send; empty for the host of the URL."""
    proxy: str = ""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)

    def tls(self) -> ssl.SSLContext:
        """The settings of a TLS connection. Raises CommandError for certificates and keys that cannot be used."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authority:
            try:
                context.load_verify_locations(cadata=self.authority.decode("ascii"))
            except (ssl.SSLError, ValueError):
                raise CommandError("the certificate authority of the cluster is no PEM certificate") from None
        else:
            context.load_default_certs()
        if self.certificate:
            _load_pair(context, self.certificate, self.key)
        return context


def overrides(flags: Parsed) -> tuple[Values, Values]:
    """What flags say of the cluster, and of the context: values to lay over those of the kubeconfig."""
    cluster: Values = {}
    context: Values = {}
    for name in ("server", "tls-server-name", "proxy-url"):
        if flags.text(name):
            cluster[name] = flags.text(name)
    if "insecure-skip-tls-verify" in flags.values:
        cluster["insecure-skip-tls-verify"] = flags.on("insecure-skip-tls-verify")
    if flags.text("certificate-authority"):
        cluster["certificate-authority"] = str(Path(flags.text("certificate-authority")).absolute())
        cluster["certificate-authority-data"] = ""
    for name in ("user", "namespace"):
        if flags.text(name):
            context[name] = flags.text(name)
    return cluster, context


def access(kubeconfig: Kubeconfig, context_name: str, flags: Parsed) -> Access:
    """How the cluster of a context is reached, with flags laid over.

    Raises CommandError for what the kubeconfig lacks or has wrong, and where the user's credential plugin fails.
    """
    context, cluster = pair(kubeconfig, context_name)
    cluster_values, context_values = overrides(flags)
    cluster = Entry(cluster.name, {**cluster.values, **cluster_values}, cluster.directory)
    user_name = str(context_values.get("user") or context.text("user"))
    user = kubeconfig.user(user_name) or Entry(user_name, {}, context.directory)
    if user_name and kubeconfig.user(user_name) is None:
        raise CommandError(f'user "{user_name}" of context "{context_name}" does not exist')
    user = Entry(user.name, {**user.values, **_of_user(flags)}, user.directory)
    server = cluster.text("server")
    if not server:
        raise CommandError(f'cluster "{cluster.name}" has no server')
    if "://" not in server:
        server = f"https://{server}"
    insecure = cluster.values.get("insecure-skip-tls-verify") is True
    authority = b"" if insecure else _data(cluster, "certificate-authority")
    certificate, key = _data(user, "client-certificate"), _data(user, "client-key")
    headers = _impersonation(user)
    token = _token(user)
    if token:
        headers.append(("Authorization", f"Bearer {token}"))
    elif user.text("username"):
        secret = base64.b64encode(f"{user.text('username')}:{user.text('password')}".encode()).decode()
        headers.append(("Authorization", f"Basic {secret}"))
    elif "exec" in user.values and not certificate:
        from manifold.cli.workspaces.exec_credentials import credentials

        given = credentials(user, cluster, server, authority, os.environ)
        certificate, key = given.certificate, given.key
        if given.token:
            headers.append(("Authorization", f"Bearer {given.token}"))
    elif "auth-provider" in user.values:
        raise CommandError(f'user "{user.name}": auth-provider is not supported; use exec')
    return Access(
        server=server.rstrip("/"),
        authority=authority,
        insecure=insecure,
        server_name=cluster.text("tls-server-name"),
        proxy=cluster.text("proxy-url"),
        certificate=certificate,
        key=key,
        headers=headers,
    )


def _of_user(flags: Parsed) -> Values:
    """What flags say of the user. Giving one way to log in takes the others of the kubeconfig away."""
    given: Values = {}
    if flags.text("token"):
        given = {"token": flags.text("token"), "tokenFile": "", "username": ""}
    elif flags.text("username") or flags.text("password"):
        given = {"username": flags.text("username"), "password": flags.text("password"), "token": "", "tokenFile": ""}
    for name in ("client-certificate", "client-key"):
        if flags.text(name):
            given[name] = str(Path(flags.text(name)).absolute())
            given[f"{name}-data"] = ""
    if flags.text("as"):
        given["as"] = flags.text("as")
    if flags.text("as-uid"):
        given["as-uid"] = flags.text("as-uid")
    if "as-group" in flags.values:
        given["as-groups"] = list(flags.values["as-group"])
    return given


def _data(entry: Entry, key: str) -> bytes:
    """The bytes of `<key>-data`, or of the file that `key` names; empty where there is neither."""
    inline = entry.text(f"{key}-data")
    if inline:
        try:
            return base64.b64decode(inline, validate=False)
        except binascii.Error:
            raise CommandError(f'"{entry.name}": {key}-data is not base64') from None
    path = entry.path(key)
    return _file(path, f'"{entry.name}": {key}') if path else b""


def _file(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{what}: {path}: {(error.strerror or str(error)).lower()}") from None


def _token(user: Entry) -> str:
    """The token; a file's wins over the inline one, as the file is what gets renewed."""
    path = user.path("tokenFile")
    if path:
        return _file(path, f'"{user.name}": tokenFile').decode(errors="replace").strip()
    return user.text("token")


def _impersonation(user: Entry) -> list[tuple[str, str]]:
    """Headers for the user, uid, groups and extras one acts as: one header per value."""
    headers = [
        (header, user.text(key))
        for header, key in (("Impersonate-User", "as"), ("Impersonate-Uid", "as-uid"))
        if user.text(key)
    ]
    groups, extra = user.values.get("as-groups") or [], user.values.get("as-user-extra") or {}
    if (
        not isinstance(groups, list)
        or not isinstance(extra, dict)
        or not all(isinstance(x, list) for x in extra.values())
    ):
        raise CommandError(f'user "{user.name}": as-groups or as-user-extra has the wrong shape')
    headers += [("Impersonate-Group", str(group)) for group in groups]
    for key, values in extra.items():
        from urllib.parse import quote

        headers += [(f"Impersonate-Extra-{quote(str(key), safe='')}", str(value)) for value in values]
    return headers


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Give a client certificate to OpenSSL, which takes files only: they are our own alone and gone at once."""
    import ssl
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        both = Path(directory) / "pair.pem"
        both.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        both.write_bytes(certificate + b"\n" + key)
        try:
            context.load_cert_chain(str(both))
        except (ssl.SSLError, OSError):
            raise CommandError("the client certificate and key of the user are no PEM pair") from None
