"""What an operator decides, checked as a whole before anything happens.

Guarantees: `resolve` either returns settings with which a start can succeed as far as can be told without touching the
disk, or raises one `SettingsError` of one line that says what is wrong and how to mend it. It writes nothing. Every
setting has one name, the flag's: the key in a file is the same word, the environment variable is that word in
capitals behind `MANIFOLD_` (section 1.1 of the tenancy reference gives the names).

Settings are plain data: the rest of the process receives the finished object and never looks at flags, files or the
environment itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from manifold.server.settings_options import OPTIONS, Option
from manifold.server.settings_sources import SettingsError, from_environment, from_file
from manifold.server.settings_values import GATES

__all__ = ["Settings", "SettingsError", "resolve"]

ADMIN = "admin"
"""The battery without which there are no admin tokens and no kubeconfig (section 1.5 of the tenancy reference)."""
USER = "user"


@dataclass(frozen=True, slots=True)
class Settings:
    """A process' settings. Paths are absolute; an empty string or None is what has to be derived or is not there.

    `secure_port` 0 asks the system for a free port, so URLs are made from the port that was bound, not from here.
    `log_retention` is in seconds. `unused` names flags that were given, are accepted for kcp's sake, and change nothing
    here.
    """

    root_directory: Path
    log_retention: float
    log_retention_bytes: int
    refuse_unenforced_rules: bool
    secure_port: int
    bind_address: str
    cert_dir: Path
    tls_cert_file: Path | None
    tls_private_key_file: Path | None
    client_ca_file: Path | None
    kubeconfig_path: Path
    authentication_admin_token_path: Path
    token_auth_file: Path | None
    authorization_always_allow_paths: tuple[str, ...]
    shard_name: str
    shard_base_url: str
    shard_external_url: str
    shard_virtual_workspace_url: str
    batteries_included: frozenset[str]
    enable_home_workspaces: bool
    home_workspaces_home_creator_groups: tuple[str, ...]
    logical_cluster_total_object_limit: int
    mount_proxy_client_cert_file: Path | None
    mount_proxy_client_key_file: Path | None
    mount_proxy_ca_file: Path | None
    feature_gates: Mapping[str, bool]
    v: int
    unused: tuple[str, ...] = ()


def resolve(
    flags: Mapping[str, str], environment: Mapping[str, str] | None = None, directory: Path | None = None
) -> Settings:
    """The settings of flags, environment, file and defaults, in this order of precedence.

    `flags` maps the names given on the command line (without dashes) to their text. Relative paths are taken from
    `directory` (the working directory unless told otherwise), also those in a file. Raises SettingsError.
    """
    environment = os.environ if environment is None else environment
    directory = Path.cwd() if directory is None else directory
    given: dict[str, tuple[str, str]] = {}  # name to (text, where it was said)
    variables = from_environment(environment)
    config = flags.get("config") or variables.get("config", ("", ""))[0]
    if config:
        given.update(from_file(directory / config))
    given.update(variables)
    given.update({name: (text, f"--{name}") for name, text in flags.items()})
    given.pop("config", None)

    root = directory / str(_parsed(OPTIONS["root-directory"], given, ".manifold"))
    values: dict[str, object] = {}
    unused = []
    for name, option in OPTIONS.items():
        if option.unused:
            if name in given:
                unused.append(name)
            continue
        if name == "config":
            continue
        if name in given:
            value = _parsed(option, given, "")
        elif option.below_root:
            value = root / option.below_root
        else:
            value = option.parse(option.default) if option.default is not None else None
        if isinstance(value, Path):
            value = directory / value
        values[option.field] = value
    values["root_directory"] = root
    if values["cert_dir"] is None:
        values["cert_dir"] = root
    values["feature_gates"] = {**GATES, **values["feature_gates"]}  # type: ignore[dict-item]  # by its parser
    settings = Settings(unused=tuple(unused), **values)  # type: ignore[arg-type]  # one parser per field, see OPTIONS
    _check(settings, given)
    return settings


def _parsed(option: Option, given: Mapping[str, tuple[str, str]], default: str) -> object:
    text, where = given.get(option.name, (default, f"--{option.name}"))
    try:
        return option.parse(text)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None


def _check(settings: Settings, given: Mapping[str, tuple[str, str]]) -> None:
    """What one value alone cannot tell: pairs, and what lies on the disk."""

    def where(name: str) -> str:
        return given[name][1] if name in given else f"--{name}"

    if settings.root_directory.exists() and not settings.root_directory.is_dir():
        raise SettingsError(f"{where('root-directory')}: {settings.root_directory} is a file; name a directory")
    if (settings.tls_cert_file is None) != (settings.tls_private_key_file is None):
        there, missing = "tls-cert-file", "tls-private-key-file"
        if settings.tls_cert_file is None:
            there, missing = missing, there
        raise SettingsError(f"{where(there)} needs --{missing} too: give both, or neither for a certificate of our own")
    if (settings.mount_proxy_client_cert_file is None) != (settings.mount_proxy_client_key_file is None):
        there, missing = "mount-proxy-client-cert-file", "mount-proxy-client-key-file"
        if settings.mount_proxy_client_cert_file is None:
            there, missing = missing, there
        raise SettingsError(f"{where(there)} needs --{missing} too: give both, or neither")
    for name, path in (
        ("mount-proxy-client-cert-file", settings.mount_proxy_client_cert_file),
        ("mount-proxy-client-key-file", settings.mount_proxy_client_key_file),
        ("mount-proxy-ca-file", settings.mount_proxy_ca_file),
        ("tls-cert-file", settings.tls_cert_file),
        ("tls-private-key-file", settings.tls_private_key_file),
        ("client-ca-file", settings.client_ca_file),
        ("token-auth-file", settings.token_auth_file),
    ):
        if path is not None:
            _readable(where(name), path)
    if settings.token_auth_file is not None:
        from manifold.auth.authentication.static import TokenFileError, read_token_file

        try:
            read_token_file(settings.token_auth_file)
        except TokenFileError as error:
            raise SettingsError(f"{where('token-auth-file')}: {error}") from None
    if USER in settings.batteries_included and ADMIN not in settings.batteries_included:
        raise SettingsError(f"{where('batteries-included')}: battery user needs battery admin: include both")
    if settings.tls_cert_file is not None or settings.client_ca_file is not None:
        _check_tls(settings, where("tls-cert-file"), where("client-ca-file"))
    if settings.mount_proxy_client_cert_file is not None or settings.mount_proxy_ca_file is not None:
        _check_mount_tls(settings, where("mount-proxy-client-cert-file"), where("mount-proxy-ca-file"))


def _readable(where: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SettingsError(f"{where}: cannot read {path}: {error.strerror}; name a file that is there") from None


def _check_tls(settings: Settings, certificate: str, authority: str) -> None:
    """Whether OpenSSL takes the files: found out here, so that a wrong file is a wrong setting."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if settings.tls_cert_file is not None:
        try:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_private_key_file, password=_no_password)
        except (OSError, ValueError):  # SSLError is an OSError
            raise SettingsError(
                f"{certificate}: {settings.tls_cert_file} and {settings.tls_private_key_file} are no PEM certificate "
                "and its unencrypted key; name a pair that belongs together"
            ) from None
    if settings.client_ca_file is not None:
        try:
            context.load_verify_locations(settings.client_ca_file)
        except OSError:
            raise SettingsError(
                f"{authority}: {settings.client_ca_file} holds no PEM certificate; name the file of the CA"
            ) from None


def _check_mount_tls(settings: Settings, certificate: str, authority: str) -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    given, key = settings.mount_proxy_client_cert_file, settings.mount_proxy_client_key_file
    if given is not None:
        try:
            context.load_cert_chain(given, key, password=_no_password)
        except (OSError, ValueError):  # SSLError is an OSError
            text = f"{certificate}: {given} and {key} are no PEM certificate and its unencrypted key"
            raise SettingsError(f"{text}; name a pair that belongs together") from None
    if settings.mount_proxy_ca_file is not None:
        try:
            context.load_verify_locations(settings.mount_proxy_ca_file)
        except OSError:
            text = f"{authority}: {settings.mount_proxy_ca_file} holds no PEM certificate"
            raise SettingsError(f"{text}; name the file of the CA") from None


def _no_password() -> str:
    raise ValueError("the key is encrypted")
