"""JSON texts: values, duplicate keys, and Go's words for what is no JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.schema import json_documents
from manifold.schema.json_documents import MAXIMUM_DEPTH, JSONError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "unexpected end of JSON input"),
        ('{"a":', "unexpected end of JSON input"),
        ('{"a', "unexpected end of JSON input"),
        ('{"a":[1,', "unexpected end of JSON input"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("\x1f", "invalid character '\\x1f' looking for beginning of value"),
        ("{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("{} x", "invalid character 'x' after top-level value"),
        ('{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
        ('{"a":n', "invalid character ' ' in literal null (expecting 'u')"),
        ('{"a":NaN}', "invalid character 'N' looking for beginning of value"),
        ('{"a":-Infinity}', "invalid character 'I' in numeric literal"),
        ('{"a":01}', "invalid character '1' after object key:value pair"),
        ('{"a":1.}', "invalid character '}' after decimal point in numeric literal"),
        ('{"a":1e}', "invalid character '}' in exponent of numeric literal"),
        ('{"a":-}', "invalid character '}' in numeric literal"),
        ('{"a":"\n"}', "invalid character '\\n' in string literal"),
        ('{"a":"\\x"}', "invalid character 'x' in string escape code"),
        ('{"a":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"),
        ("é", "invalid character 'Ã' looking for beginning of value"),
    ],
)
def test_what_is_no_json(text: str, told: str) -> None:
    with pytest.raises(JSONError) as refused:
        json_documents.parse(text.encode())
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":"\xff\xc3("}', {"a": "\ufffd\ufffd("}),
        (b'{"a":"\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"\\ud800":["\\udfff"]}', {"\ufffd": ["\ufffd"]}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b' {"a" : 1.0 } \n', {"a": 1.0}),
        (b'{"a":18446744073709551616}', {"a": 18446744073709551616.0}),
    ],
)
def test_what_go_reads(body: bytes, value: Any) -> None:
    assert json_documents.parse(body) == (value, None)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_bounded(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    fits = opening * MAXIMUM_DEPTH + "1" + closing * MAXIMUM_DEPTH
    assert json_documents.parse(fits.encode())[1] is None
    for depth in (MAXIMUM_DEPTH + 1, 1_000, 100_000):
        with pytest.raises(JSONError, match="exceeded max depth"):
            json_documents.parse((opening * depth + "1" + closing * depth).encode())


@pytest.mark.parametrize(
    ("text", "duplicates"),
    [
        ('{"a":1,"a":2}', ["a"]),
        ('{"a":1,"a":2,"a":3}', ["a"]),
        ('{"a" :1,"a": 2}', ["a"]),
        ('{"a":1,"\\u0061":2}', ["a"]),
        ('{"x":"\\u0022:","a":1,"a":2}', ["a"]),
        ('{"x":"\\":","a":1,"a":2}', ["a"]),
        ('{"a\\\\":1,"a\\\\":2}', ["a\\\\"]),
        ('{"m":{"l":[{"b":1},{"b":1,"b":2}]},"m":{"b":1}}', ["m.l[1].b", "m"]),
        ('{"annotation":"{\\"a\\":1,\\"a\\":2}"}', []),
        ('{"annotation":"{\\"a\\":\\"{\\\\\\"a\\\\\\":1}\\"}"}', []),
        ('{"a":{"a":1},"b":{"a":1}}', []),
    ],
)
def test_duplicate_keys(text: str, duplicates: list[str]) -> None:
    value, original = json_documents.parse(text.encode())
    assert value == json.loads(text)
    told = original.duplicates() if original is not None else []
    assert told == [f'duplicate field "{path}"' for path in duplicates]


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    for body in (orjson.dumps(value), json.dumps(value, indent=1).encode(), orjson.dumps(value) + b"\n"):
        assert json_documents.parse(body) == (value, None)


PAIRS = st.deferred(
    lambda: st.lists(st.tuples(st.sampled_from(["a", "b", 'q"', "s\\", "c:", '":', "é"]), LEAVES | PAIRS), max_size=4)
)
LEAVES = st.sampled_from([1, None, "x", '":', "\\", '\\":', '{"a":1}', "a :"]) | st.lists(st.just("y"), max_size=2)


def _written(pairs: Any, data: st.DataObject) -> str:
    if not isinstance(pairs, list) or (pairs and not isinstance(pairs[0], tuple)):
        return json.dumps(pairs, ensure_ascii=data.draw(st.booleans()))
    colon = data.draw(st.sampled_from([":", " :", ": ", "\n: "]))
    written = (json.dumps(name) + colon + _written(item, data) for name, item in pairs)
    return "{" + data.draw(st.sampled_from([",", " , "])).join(written) + "}"


def _has_duplicates(pairs: Any) -> bool:
    if not isinstance(pairs, list) or (pairs and not isinstance(pairs[0], tuple)):
        return False
    names = [name for name, _ in pairs]
    return len(set(names)) != len(names) or any(_has_duplicates(item) for _, item in pairs)


@settings(max_examples=examples(300))
@given(PAIRS, st.data())
def test_the_cheap_screen_never_misses_a_duplicate(pairs: Any, data: st.DataObject) -> None:
    text = _written(pairs, data)
    value, original = json_documents.parse(text.encode())
    assert (original is not None) == _has_duplicates(pairs)
    assert value == json.loads(text)
