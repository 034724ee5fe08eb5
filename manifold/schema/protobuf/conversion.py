"""Between messages and JSON data: functions per message, compiled from its fields on first use.

JSON comes out as Go would write it, except that fields set to their empty value are there too: a Go sender writes most
of them, and the codec of the type knows which ones to leave out. A few messages stand for something else in JSON
(`_SPECIAL`): times, quantities, raw JSON, schemas that may be a boolean or a list, lists with a name of their own.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import orjson

from manifold.base import clock
from manifold.schema import json_documents
from manifold.schema.decoding import DecodingError
from manifold.schema.protobuf.messages import Field, fields

_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_EXTENSIONS = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Read = Callable[[Any], Any]
"""From a message, of a class made at run time, to the JSON value it stands for."""
Write = Callable[[Any, Any], None]
"""Fills a message from a JSON value that is not null."""


@cache
def reader(message: str) -> Read:
    """The function that makes JSON data of a message. Its result shares nothing with the message."""
    special = _SPECIAL.get(message)
    if special is not None:
        return special[0]
    names: dict[int, str] = {}
    reads: dict[int, Read | None] = {}
    for field in fields(message):
        names[field.number] = field.name
        # A message may contain itself: its function is looked up when it is first needed.
        reads[field.number] = _field_reader(field)

    def read(given: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for descriptor, value in given.ListFields():
            number = descriptor.number
            convert = reads[number]
            if convert is not None:
                value = convert(value)
            elif value.__class__ is bytes:
                value = _replaced(value)
            name = names[number]
            if name:
                made[name] = value
            else:
                made.update(value)
        return made

    return read


def _field_reader(field: Field) -> Read | None:
    one = _value_reader(field)
    if field.map:
        if one is None and field.type == "string":
            return _text_map
        return lambda pairs: {_replaced(pair.f1): one(pair.f2) if one is not None else pair.f2 for pair in pairs}
    if not field.repeated:
        return one
    if one is None:
        return _text_list if field.type == "string" else list
    return lambda values: [one(value) for value in values]


def _replaced(text: str | bytes) -> str:
    """A text; the runtime gives bytes for what is no UTF-8, and Go's JSON then has U+FFFD in the place of each."""
    return json_documents.text(text) if isinstance(text, bytes) else text


def _text_map(pairs: Any) -> dict[str, str]:
    made = {pair.f1: pair.f2 for pair in pairs}
    try:
        # Joining is the quickest way to find out that all are texts.
        "".join(made)
        "".join(made.values())
    except TypeError:
        return {_replaced(name): _replaced(value) for name, value in made.items()}
    return made


def _text_list(values: Any) -> list[str]:
    made = list(values)
    try:
        "".join(made)
    except TypeError:
        return [_replaced(value) for value in made]
    return made


def _value_reader(field: Field) -> Read | None:
    if field.type == "bytes":
        return _base64
    if field.scalar:
        return None
    return lambda value: reader(field.type)(value)


def _base64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode()


@cache
def writer(message: str) -> Write:
    """The function that fills a message from JSON data of its type; members no field is named after are ignored."""
    special = _SPECIAL.get(message)
    if special is not None:
        return special[1]
    writes = {field.name: _field_writer(field) for field in fields(message) if field.name}
    inlined = [field for field in fields(message) if not field.name]

    def write(into: Any, value: Any) -> None:
        if not isinstance(value, dict):
            raise DecodingError("expected an object")
        for name, item in value.items():
            if item is None:
                continue
            put = writes.get(name)
            if put is not None:
                put(into, item)
        for field in inlined:
            inner = getattr(into, field.attribute)
            inner.SetInParent()
            writer(field.type)(inner, value)

    return write


def _field_writer(field: Field) -> Write:
    attribute = field.attribute
    convert = binascii.a2b_base64 if field.type == "bytes" else None
    if field.map:

        def put_map(into: Any, value: Any) -> None:
            pairs = getattr(into, attribute)
            for name, item in value.items():
                pair = pairs.add(f1=name)
                if field.scalar:
                    pair.f2 = convert(item) if convert is not None else item
                else:
                    pair.f2.SetInParent()
                    if item is not None:
                        writer(field.type)(pair.f2, item)

        return put_map
    if field.repeated:

        def put_list(into: Any, value: Any) -> None:
            target = getattr(into, attribute)
            if field.scalar:
                target.extend(value if convert is None else map(convert, value))
                return
            for item in value:
                made = target.add()
                if item is not None or field.type in _NULLABLE:
                    writer(field.type)(made, item)

        return put_list
    if field.scalar:

        def put_scalar(into: Any, value: Any) -> None:
            setattr(into, attribute, convert(value) if convert is not None else value)

        return put_scalar

    def put_message(into: Any, value: Any) -> None:
        inner = getattr(into, attribute)
        inner.SetInParent()
        writer(field.type)(inner, value)

    return put_message


# ---- messages that stand for something else --------------------------------


def _read_time(given: Any) -> str | None:
    moment = _moment(given)
    return None if moment is None else clock.format_seconds(moment)


def _read_micro_time(given: Any) -> str | None:
    moment = _moment(given)
    return None if moment is None else clock.format_micro(moment)


def _moment(given: Any) -> datetime | None:
    """The moment of seconds and nanoseconds since 1970; both zero is Go's zero time, which JSON has no time for."""
    if not given.f1 and not given.f2:
        return None
    try:
        return _EPOCH + timedelta(seconds=given.f1, microseconds=given.f2 // 1000)
    except OverflowError:
        raise DecodingError("Time.MarshalJSON: year outside of range [0,9999]") from None


def _write_time(into: Any, value: Any) -> None:
    into.f1, into.f2 = _past(clock.parse, value)


def _write_micro_time(into: Any, value: Any) -> None:
    into.f1, into.f2 = _past(clock.parse_micro, value)


@lru_cache(4096)
def _past(parse: Callable[[str], datetime], text: str) -> tuple[int, int]:
    """Seconds and nanoseconds since 1970. Kept, because an object names one moment several times."""
    past = parse(text) - _EPOCH
    return past.days * 86400 + past.seconds, past.microseconds * 1000


def _read_duration(given: Any) -> str:
    """Nanoseconds as Go's time.Duration prints them: `1h2m3.5s`, `15ms`, `0s`."""
    total: int = given.f1
    if not total:
        return "0s"
    sign, rest = ("-", -total) if total < 0 else ("", total)
    for unit, size in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)):
        if rest < size * 1000:
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 1_000_000_000)
    return sign + (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"


def _decimal(number: int, size: int) -> str:
    whole, rest = divmod(number, size)
    fraction = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def _write_duration(into: Any, value: Any) -> None:
    import re
    from decimal import Decimal

    text = value.lstrip("+-")
    total = sum(Decimal(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)", text))
    into.f1 = -int(total) if value.startswith("-") else int(total)


def _read_quantity(given: Any) -> str:
    return _replaced(given.f1) or "0"


def _write_quantity(into: Any, value: Any) -> None:
    into.f1 = str(value)


def _read_int_or_string(given: Any) -> int | str:
    number: int = given.f2
    return _replaced(given.f3) if given.f1 == 1 else number


def _write_int_or_string(into: Any, value: Any) -> None:
    if isinstance(value, str):
        into.f1, into.f3 = 1, value
    else:
        into.f1, into.f2 = 0, value


def _read_raw(given: Any) -> Any:
    raw: bytes = given.f1
    if not raw:
        return None
    try:
        if raw.count(b"{") + raw.count(b"[") <= json_documents.MAXIMUM_DEPTH:
            return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass  # The exact parser accepts more, and knows the words.
    try:
        return json_documents.parse(raw)[0]
    except json_documents.JSONError as error:
        raise DecodingError(str(error)) from None


def _write_raw(into: Any, value: Any) -> None:
    into.f1 = orjson.dumps(value)


def _read_schema_or_array(given: Any) -> Any:
    schema = reader(_EXTENSIONS + "JSONSchemaProps")
    if given.f2:
        return [schema(item) for item in given.f2]
    return schema(given.f1) if given.HasField("f1") else None


def _write_schema_or_array(into: Any, value: Any) -> None:
    write = writer(_EXTENSIONS + "JSONSchemaProps")
    if isinstance(value, list):
        for item in value:
            write(into.f2.add(), item)
    else:
        into.f1.SetInParent()
        write(into.f1, value)


def _read_schema_or_bool(given: Any) -> Any:
    return reader(_EXTENSIONS + "JSONSchemaProps")(given.f2) if given.HasField("f2") else given.f1


def _write_schema_or_bool(into: Any, value: Any) -> None:
    into.f1 = value is not False
    if isinstance(value, dict):
        into.f2.SetInParent()
        writer(_EXTENSIONS + "JSONSchemaProps")(into.f2, value)


def _read_schema_or_strings(given: Any) -> Any:
    if given.f2:
        return _text_list(given.f2)
    return reader(_EXTENSIONS + "JSONSchemaProps")(given.f1) if given.HasField("f1") else None


def _write_schema_or_strings(into: Any, value: Any) -> None:
    if isinstance(value, list):
        into.f2.extend(value)
    else:
        into.f1.SetInParent()
        writer(_EXTENSIONS + "JSONSchemaProps")(into.f1, value)


def _read_items(given: Any) -> list[str]:
    return _text_list(given.f1)


def _write_items(into: Any, value: Any) -> None:
    into.f1.extend(value)


_SPECIAL: dict[str, tuple[Read, Write]] = {
    _META + "Time": (_read_time, _write_time),
    _META + "Timestamp": (_read_time, _write_time),
    _META + "MicroTime": (_read_micro_time, _write_micro_time),
    _META + "Duration": (_read_duration, _write_duration),
    _META + "FieldsV1": (_read_raw, _write_raw),
    _META + "Verbs": (_read_items, _write_items),
    "k8s.io.api.authentication.v1.ExtraValue": (_read_items, _write_items),
    "k8s.io.api.authorization.v1.ExtraValue": (_read_items, _write_items),
    "k8s.io.api.certificates.v1.ExtraValue": (_read_items, _write_items),
    "k8s.io.apimachinery.pkg.api.resource.Quantity": (_read_quantity, _write_quantity),
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": (_read_int_or_string, _write_int_or_string),
    "k8s.io.apimachinery.pkg.runtime.RawExtension": (_read_raw, _write_raw),
    _EXTENSIONS + "JSON": (_read_raw, _write_raw),
    _EXTENSIONS + "JSONSchemaPropsOrArray": (_read_schema_or_array, _write_schema_or_array),
    _EXTENSIONS + "JSONSchemaPropsOrBool": (_read_schema_or_bool, _write_schema_or_bool),
    _EXTENSIONS + "JSONSchemaPropsOrStringArray": (_read_schema_or_strings, _write_schema_or_strings),
}
_NULLABLE = frozenset((_EXTENSIONS + "JSON", "k8s.io.apimachinery.pkg.runtime.RawExtension"))
"""Messages whose null is a value."""
