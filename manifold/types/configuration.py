"""ConfigMaps and Secrets: small files by name, which can be closed for good.

Both bound their keys to what can be a file name and their whole content to 1 MiB, and both have `immutable`, which once
set makes content and flag unchangeable. A Secret has a type that says which keys must be there, and never shows a
value in an error. (Kubernetes API reference, ConfigMap v1 and Secret v1; KEP-1412 for `immutable`.)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from manifold.base import names
from manifold.base.fields import FieldError, Path, forbidden, immutable, invalid, required, too_long
from manifold.types.declaring import AGE, NAME, built_in
from manifold.types.go_json import object_error
from manifold.types.resource import Column, Object, metadata_labels
from manifold.types.strategies import PlainStrategy

SIZE_LIMIT = 1024 * 1024
"""The most a ConfigMap or Secret may hold, in bytes."""
CLOSED = "field is immutable when `immutable` is set"
REDACTED = "<secret contents redacted>"

OPAQUE = "Opaque"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
TLS = "kubernetes.io/tls"
_JSON_KEYS = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}
_BASIC_AUTH = "kubernetes.io/basic-auth"
_SSH_AUTH = "kubernetes.io/ssh-auth"

_DATA = Path("data")
_BINARY = Path("binaryData")
_WHOLE = "[]"
"""How Kubernetes renders the path of the whole object in the one error that has it."""


def _closed(new: Object, old: Object, *parts: str) -> list[FieldError]:
    """The errors of changing what `immutable` has closed."""
    if not old.get("immutable"):
        return []
    errors = [] if new.get("immutable") else [forbidden("immutable", CLOSED)]
    errors.extend(forbidden(part, CLOSED) for part in parts if (new.get(part) or {}) != (old.get(part) or {}))
    return errors


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _decoded_size(encoded: str) -> int:
    """How many bytes a base64 text stands for."""
    return len(encoded) // 4 * 3 - encoded[-2:].count("=")


class ConfigMapStrategy(PlainStrategy):
    """Keys, the two bags of data, the size, and `immutable`."""

    __slots__ = ()

    def validate(self, new: Object) -> list[FieldError]:
        """All that is wrong with the content."""
        errors: list[FieldError] = []
        size = 0
        data: Mapping[str, str] = new.get("data") or {}
        binary: Mapping[str, str] = new.get("binaryData") or {}
        for key, value in data.items():
            if texts := names.config_key(key):
                errors.extend(invalid(_DATA.key(key), key, text) for text in texts)
            if key in binary:
                errors.append(invalid(_DATA.key(key), key, "duplicate of key present in binaryData"))
            size += _bytes(value)
        for key, value in binary.items():
            errors.extend(invalid(_BINARY.key(key), key, text) for text in names.config_key(key))
            size += _decoded_size(value)
        if size > SIZE_LIMIT:
            errors.append(too_long(_WHOLE, SIZE_LIMIT))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The content, and that what is closed stays as it is."""
        return _closed(new, old, "data", "binaryData") + self.validate(new)


def _decoded(data: Mapping[str, str], key: str) -> bytes:
    try:
        return base64.b64decode(data.get(key) or "", validate=True)
    except binascii.Error:  # the codec lets none through; a secret must not break a request all the same
        return b""


class SecretStrategy(PlainStrategy):
    """Keys, size, the keys a type requires, the type that cannot change, and `immutable`."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """The type is Opaque unless said; what `stringData` holds goes into `data`, encoded."""
        texts = new.pop("stringData", None)
        if texts:
            data = new.setdefault("data", {})
            for key, text in texts.items():
                data[key] = base64.b64encode(text.encode()).decode()
        if not new.get("type"):
            new["type"] = OPAQUE

    def validate(self, new: Object) -> list[FieldError]:
        """All that is wrong with the content."""
        errors: list[FieldError] = []
        size = 0
        data: Mapping[str, str] = new.get("data") or {}
        for key, value in data.items():
            if texts := names.config_key(key):
                errors.extend(invalid(_DATA.key(key), key, text) for text in texts)
            size += _decoded_size(value)
        if size > SIZE_LIMIT:
            errors.append(too_long(_DATA, SIZE_LIMIT))
        kind = new.get("type")
        if kind != OPAQUE:
            errors.extend(_missing(str(kind), new, data))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The content, the type, and that what is closed stays as it is."""
        return immutable("type", new.get("type"), old.get("type")) + _closed(new, old, "data") + self.validate(new)

    def warnings(self, new: Object, old: Object | None = None) -> list[str]:
        """What keeps a TLS secret's key and certificate from being a pair."""
        if new.get("type") != TLS:
            return []
        from manifold.types.key_pairs import pair_error  # loads cryptography, which nearly no start needs

        data = new.get("data") or {}
        problem = pair_error(_decoded(data, "tls.crt"), _decoded(data, "tls.key"))
        return [problem] if problem else []


def _missing(kind: str, new: Object, data: Mapping[str, str]) -> list[FieldError]:
    """What a Secret of this type lacks, or holds in the wrong form."""
    if kind == SERVICE_ACCOUNT_TOKEN:
        named = (new["metadata"].get("annotations") or {}).get(SERVICE_ACCOUNT_NAME)
        return [] if named else [required(Path("metadata.annotations").key(SERVICE_ACCOUNT_NAME))]
    if kind in _JSON_KEYS:
        key = _JSON_KEYS[kind]
        if key not in data:
            return [required(_DATA.key(key))]
        problem = object_error(_decoded(data, key))
        return [invalid(_DATA.key(key), REDACTED, problem)] if problem else []
    if kind == _BASIC_AUTH:
        keys = ("username", "password")
        return [] if any(key in data for key in keys) else [required(_DATA.key(key)) for key in keys]
    if kind == _SSH_AUTH:
        return [] if data.get("ssh-privatekey") else [required(_DATA.key("ssh-privatekey"))]
    if kind == TLS:
        return [required(_DATA.key(key)) for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _config_map_size(obj: Object, now: datetime) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


def _secret_size(obj: Object, now: datetime) -> int:
    return len(obj.get("data") or ())


def _secret_labels(obj: Object) -> Mapping[str, str]:
    return {**metadata_labels(obj), "type": obj.get("type", "")}


def _secret_type(obj: Object, now: datetime) -> Any:
    return obj.get("type", "")


CONFIG_MAPS = built_in(
    "",
    "v1",
    "configmaps",
    "ConfigMap",
    ConfigMapStrategy(),
    namespaced=True,
    short_names=("cm",),
    columns=(NAME, Column("Data", _config_map_size, description="How many keys there are"), AGE),
)
SECRETS = built_in(
    "",
    "v1",
    "secrets",
    "Secret",
    SecretStrategy(),
    namespaced=True,
    columns=(
        NAME,
        Column("Type", _secret_type, description="What the content is for"),
        Column("Data", _secret_size, description="How many keys there are"),
        AGE,
    ),
    field_labels=_secret_labels,
    selectable=("type", "metadata.namespace", "metadata.name"),
)
