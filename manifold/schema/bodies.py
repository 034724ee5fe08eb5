"""Request bodies: bytes of any accepted media type become an object of the expected kind, or the 400 Kubernetes gives.

What a body must say of itself: nothing, or the version and kind of the resource it is sent to. The rest is data; that
it fits the type is the codec's business. A body may repeat a key; that is no error, but strict field validation refuses
it and the default one warns, so every duplicate is found here (KEP-2885). Sizes are bounded by the server, depth here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manifold.base import errors, fields
from manifold.base.errors import StatusError
from manifold.schema import json_documents, yaml_documents
from manifold.schema.decoding import DecodingError, decode, json_type
from manifold.schema.json_documents import MAXIMUM_PROBLEMS, JSONError, Original
from manifold.schema.loading import built_in_schemas, schema_name
from manifold.schema.yaml_documents import YAMLError

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_YAML = "application/apply-patch+yaml"
ACCEPTED = (JSON, YAML, PROTOBUF)
MAXIMUM_OPERATIONS = 10_000
"""Operations in a JSON patch."""

_SUMMARY = 30
_LONGEST_PATH = 1000
"""Of fields with longer paths the order is not looked for: that costs the square of the length."""
_SCHEME = 'in scheme "pkg/runtime/scheme.go:111"'
_HEAD = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
_INTERNAL = {
    "": "core",
    "admissionregistration.k8s.io": "admissionregistration",
    "apiextensions.k8s.io": "apiextensions",
    "authentication.k8s.io": "authentication",
    "authorization.k8s.io": "authorization",
    "certificates.k8s.io": "certificates",
    "coordination.k8s.io": "coordination",
    "events.k8s.io": "core",
    "rbac.authorization.k8s.io": "rbac",
}
"""Go packages of the versionless types that errors about another kind name."""
_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_UNKNOWN = 'unknown field "'
_YAML_TWICE = "yaml: unmarshal errors:\n"


@dataclass(frozen=True, slots=True)
class Body:
    """A parsed body: the object, and what strict decoding says of its duplicate keys, in the order of the text.

    A YAML text tells all of them in one problem of several lines.
    """

    obj: dict[str, Any]
    duplicates: list[str]
    original: Original | None = None

    def problems(self, unknown: list[str]) -> list[str]:
        """Everything strict decoding into a built-in type refuses, given the unknown fields: in the order of the text.

        `unknown` is what `Codec.normalize` returned for the object. Of a field that is unknown, and of what is inside
        it, only that it is unknown is told. (Decoding into a custom type is different: duplicates come first.)
        """
        if self.original is None or not unknown or max(map(len, unknown)) > _LONGEST_PATH:
            return self.duplicates + unknown
        places = {problem: problem[len(_UNKNOWN) : -1] for problem in unknown}
        # What a path may end with; only keys that are one of these are worth rendering.
        ends = {place[at:] for place in places.values() for at in range(len(place)) if not at or place[at - 1] == "."}
        found: dict[str, None] = {}
        skipped: list[str] = []
        for trail, name, again in self.original.walk():
            if not again and name not in ends:
                continue
            path = json_documents.path(trail)
            if path.startswith(tuple(skipped)) or path in (one[:-1] for one in skipped):
                continue
            problem = f'{_UNKNOWN}{fields.quote(path)[1:-1]}"'
            if problem in places:
                skipped += [f"{path}.", f"{path}["]
                found[problem] = None
            elif again:
                found[f"duplicate field {fields.quote(path)}"] = None
        found.update(dict.fromkeys(unknown))
        return list(found)[:MAXIMUM_PROBLEMS]


def strict_error(kind: str, version: str, problems: list[str]) -> StatusError:
    """400: strict field validation refuses a body for its unknown and duplicate fields."""
    told = ", ".join(problems)
    return errors.bad_request(
        f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {told}'
    )


def warnings(problems: list[str]) -> list[str]:
    """The texts for Warning headers: a problem each, those of YAML keys a line each."""
    told: list[str] = []
    for problem in problems:
        if problem.startswith(_YAML_TWICE):
            told += [line.strip() for line in problem[len(_YAML_TWICE) :].split("\n")]
        else:
            told.append(problem)
    return told


def parse_body(body: bytes, content_type: str, group: str, version: str, kind: str, protobuf: str) -> Body:
    """The object in a body of the resource of this group, version and kind. No content type means JSON.

    `protobuf` is the name of its message, empty for custom resources, which speak none and must say what they are.
    Raises StatusError: 415 for other media types, 400 for what cannot be read or is of another kind or version.
    """
    media_type = content_type.partition(";")[0].strip().lower() if content_type else JSON
    duplicates: list[str] = []
    original: Original | None = None
    if media_type == JSON:
        try:
            value, original = json_documents.parse(body)
        except JSONError as error:
            raise _unrecognized(f"couldn't get version/kind; json parse error: {error}", kind, body) from None
        if original is not None:
            duplicates = original.duplicates()
    elif media_type == YAML:
        try:
            value, twice = yaml_documents.parse(body)
        except YAMLError as error:
            raise _unrecognized(str(error), kind, body) from None
        if twice:
            duplicates = [twice]
    elif media_type == PROTOBUF and protobuf:
        return Body(_protobuf(body, group, version, kind, protobuf), [])
    else:
        raise errors.unsupported_media_type(ACCEPTED if protobuf or media_type != PROTOBUF else ACCEPTED[:2])
    obj = _object(value, kind, body)
    if protobuf:
        _check_built_in(obj, group, version, kind, body)
    else:
        _check_custom(obj, group, version, kind, body)
    return Body(obj, duplicates, original)


def check_type(obj: dict[str, Any], api_version: str, kind: str, group: str, *, applied: bool = False) -> None:
    """Fill in the absent apiVersion and kind of a built-in type's object. Raises the 400 of another type's.

    An applied configuration must have both (`applied`); its refusal has words of its own.
    """
    if applied:
        given = (obj.get("apiVersion") or "", obj.get("kind") or "")
        if given != (api_version, kind):
            of_group, _, of_version = given[0].rpartition("/")
            raise errors.bad_request(f"invalid object type: {of_group}/{of_version}, Kind={given[1]}")
        return
    _check_built_in(obj, group, api_version.rpartition("/")[2], kind, b"")


def parse_delete_options(body: bytes, content_type: str) -> dict[str, Any]:
    """DeleteOptions of a body (meta/v1), decoded; unknown fields are ignored. Raises StatusError: 415, 400."""
    media_type = content_type.partition(";")[0].strip().lower() if content_type else JSON
    value: Any
    try:
        if media_type == JSON:
            value = json_documents.parse(body)[0]
        elif media_type == YAML:
            value = yaml_documents.parse(body)[0]
        elif media_type == PROTOBUF:
            from manifold.schema import protobuf

            api_version, kind, raw = protobuf.open_envelope(body)
            value = protobuf.decode_message(protobuf.DELETE_OPTIONS, raw)
            value.update({"apiVersion": api_version, "kind": kind})
        else:
            raise errors.unsupported_media_type(ACCEPTED)
        obj: dict[str, Any] = _head_checked(value)
        kind = obj.get("kind") or "DeleteOptions"
        if kind != "DeleteOptions":
            version = obj.get("apiVersion") or "v1"
            raise errors.bad_request(f'no kind "{kind}" is registered for version "{version}" {_SCHEME}')
        decode(built_in_schemas()[_DELETE_OPTIONS], obj)
    except JSONError as error:
        raise errors.bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    except (YAMLError, DecodingError) as error:
        raise errors.bad_request(str(error)) from None
    return obj


def parse_patch(body: bytes, media_type: str, kind: str) -> tuple[Any, list[str]]:
    """The JSON value of a patch, and what strict decoding says of its duplicate keys.

    What the value must be (a list of operations, an object) is for the patch to check, except that more than
    `MAXIMUM_OPERATIONS` are too many to look at. Raises StatusError: 400, 413.
    """
    if media_type == APPLY_YAML:
        try:
            value, twice = yaml_documents.parse(body)
        except YAMLError as error:
            raise errors.bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
        return value, warnings([twice]) if twice else []
    try:
        value, original = json_documents.parse(body)
    except JSONError as error:
        prefix = "" if media_type == STRATEGIC_MERGE_PATCH else "error decoding patch: "
        raise errors.bad_request(f"{prefix}{error}") from None
    if media_type == JSON_PATCH and isinstance(value, list) and len(value) > MAXIMUM_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAXIMUM_OPERATIONS}, got {len(value)}"
        raise StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {text}")
    if original is None:
        return value, []
    prefix = "json patch " if media_type == JSON_PATCH else ""
    return value, [prefix + problem for problem in original.duplicates()]


def _summary(body: bytes) -> str:
    """A body as errors show it: the beginning of what looks like JSON, or of its bytes in hexadecimal."""
    if not body:
        return "<empty>"
    more = " ..." if len(body) > _SUMMARY else ""
    beginning = body[:_SUMMARY]
    return (beginning.decode("utf-8", "replace") if body[:1] == b"{" else beginning.hex()) + more


def _unrecognized(why: str, kind: str, body: bytes) -> StatusError:
    return errors.bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({_summary(body)})")


def _head_checked(value: Any) -> dict[str, Any]:
    """The object, once apiVersion and kind can be read from it; null is an empty one. Raises JSONError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise JSONError(f"json: cannot unmarshal {json_type(value)} into Go value of type {_HEAD}")
    for name in ("apiVersion", "kind"):
        given = value.get(name)
        if given is not None and not isinstance(given, str):
            raise JSONError(f"json: cannot unmarshal {json_type(given)} into Go struct field .{name} of type string")
    return value


def _object(value: Any, kind: str, body: bytes) -> dict[str, Any]:
    try:
        return _head_checked(value)
    except JSONError as error:
        raise _unrecognized(f"couldn't get version/kind; json parse error: {error}", kind, body) from None


def _check_built_in(obj: dict[str, Any], group: str, version: str, kind: str, body: bytes) -> None:
    expected = f"{group}/{version}" if group else version
    given_version = obj.get("apiVersion") or expected
    given_kind = obj.get("kind") or kind
    if given_version == expected and given_kind == kind:
        obj["apiVersion"] = expected
        obj["kind"] = kind
        return
    if given_version.count("/") > 1:
        raise _unrecognized(f"unexpected GroupVersion string: {given_version}", kind, body)
    of_group, _, of_version = given_version.rpartition("/")
    if not schema_name(of_group, of_version, given_kind):
        why = f'no kind "{given_kind}" is registered for version "{given_version}" {_SCHEME}'
    elif (given_kind, _INTERNAL.get(of_group)) == (kind, _INTERNAL.get(group)):
        raise _other_version(given_version, expected)
    else:
        target = f"{_INTERNAL.get(group, group.partition('.')[0])}.{kind}"
        why = f"converting ({of_version}.{given_kind}) to ({target}): unknown conversion"
    raise errors.bad_request(f'{given_kind} in version "{of_version}" cannot be handled as a {kind}: {why}')


def _check_custom(obj: dict[str, Any], group: str, version: str, kind: str, body: bytes) -> None:
    given_version = obj.get("apiVersion") or ""
    given_kind = obj.get("kind") or ""
    expected = f"{group}/{version}" if group else version
    if not given_kind:
        text = body.decode("utf-8", "replace")
        raise _unrecognized(f"Object 'Kind' is missing in '{text}'", kind, body)
    if given_version.count("/") > 1:
        raise _unrecognized(f"unexpected GroupVersion string: {given_version}", kind, body)
    if given_version != expected:
        raise _other_version(given_version, expected)
    if given_kind != kind:
        metadata = obj.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else ""
        wrong = fields.invalid("kind", given_kind, f"must be {kind}")
        raise errors.invalid(group, given_kind, name if isinstance(name, str) else "", [wrong])


def _other_version(given: str, expected: str) -> StatusError:
    text = f"the API version in the data ({given}) does not match the expected API version ({expected})"
    return errors.bad_request(text)


def _protobuf(body: bytes, group: str, version: str, kind: str, message: str) -> dict[str, Any]:
    from manifold.schema import protobuf

    try:
        api_version, given, raw = protobuf.open_envelope(body)
    except DecodingError as error:
        raise _unrecognized(str(error), kind, body) from None
    head = {"apiVersion": api_version, "kind": given}
    _check_built_in(head, group, version, kind, body)
    try:
        obj = protobuf.decode_message(message, raw)
    except DecodingError as error:
        raise errors.bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {error}') from None
    obj.update(head)
    return obj
