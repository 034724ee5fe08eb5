"""Values in Go's words: quoted, printed, and as JSON."""

from typing import Any

import pytest

from manifold.base import go_text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a b", '"a b"'),
        ('"\\', r'"\"\\"'),
        ("ä€😀", '"ä€😀"'),
        ("\n\t\a", r'"\n\t\a"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("\u00a0\u2028", r'"\u00a0\u2028"'),
        ("\U000e0001", r'"\U000e0001"'),
    ],
)
def test_quote(text: str, quoted: str) -> None:
    assert go_text.quote(text) == quoted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [1, 2.0, None, True], "a": {}}, '{"b":[1,2,null,true],"a":{}}'),
        ("<&>\u2028\x7f\n", '"\\u003c\\u0026\\u003e\\u2028\x7f\\n"'),
        ([1e20, 1e21, 1e-6, 1e-7, -0.5], "[100000000000000000000,1e+21,0.000001,1e-7,-0.5]"),
        (1 << 70, "1180591620717411303424"),
    ],
)
def test_json_text(value: Any, text: str) -> None:
    assert go_text.json_text(value) == text


@pytest.mark.parametrize(
    ("value", "text", "name"),
    [
        (None, "<nil>", "<nil>"),
        (True, "true", "bool"),
        (5, "5", "int64"),
        (5.0, "5", "float64"),
        ("x y", "x y", "string"),
        ([None, "a", [1]], "[<nil> a [1]]", "[]interface {}"),
        ({"b": 1, "a": {"c": "d"}}, "map[a:map[c:d] b:1]", "map[string]interface {}"),
    ],
)
def test_plain(value: Any, text: str, name: str) -> None:
    assert (go_text.plain(value), go_text.type_name(value)) == (text, name)
