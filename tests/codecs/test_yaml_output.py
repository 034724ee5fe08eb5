"""Answers in YAML are, byte for byte, what Kubernetes' own library makes of the same object: that of kubectl."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from manifold.schema.yaml_documents import parse
from manifold.schema.yaml_output import dump

MAPS = "/api/v1/namespaces/default/configmaps"
WORDS = "word " * 40
TEXTS = [
    *("", " ", "~", "y", "N", "yes", "No", "ON", "oFF", "true", "False", "null", "NULL", "nil", "=", "-", "?", ":"),
    *("0", "1", "-1", "+1", "01", "08", "0o7", "0x1F", "0b1", "1_000", "1.5", ".5", "1.", "1e3", "1E3", "1e+3", ".inf"),
    *("-.Inf", ".nan", "1:30", "190:20:30", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "0.0.0", "1.2.3", "v1"),
    *(" leading", "trailing ", "a: b", "a:b", "a #b", "a#b", "#a", "- a", "-a", "[a]", "{a}", "a,b", "*a", "&a", "!a"),
    *("|", ">", "%a", "@a", "`a`", "'a'", '"a"', "it's", 'say "x"', "a\\b", "a\tb", "\ta", "a\rb", "é", "日本"),
    *("a\nb", "a\nb\n", "a\n\nb", "\na", "a\n ", " a\nb", "a \nb", "\n", "\n\n", "a\n\n", "a\n\tb", "a\n# b"),
    *("\U0001f600", "a: b\nc", "\x07", "\xa0", "a\x00b", "\ue000", "\ufffd"),
    *(WORDS, f"a: {WORDS}", f"{WORDS}\n{WORDS}", "x" * 200, "long " * 15 + "x" * 100, f"{WORDS}é", "a  b " * 30),
]  # fmt: skip


KEYS = [
    *("a", "b", "A", "a1", "a2", "a10", "a1.b", "a-1", "a.1", "a_1", "1", "2"),
    *("10", "100", "y", "true", "on.off", "1.5", "1.10", "v1", "v1b", "v1a"),
    "k" * 200,
]  # fmt: skip
NUMBERS = [0, -1, 1 << 53, 1.5, 0.1, 1e-7, 123456.5, 1234567.5, 1e21, 1e300, -2.5e-5]
DEFINITION = {
    "metadata": {"name": "frees.yaml.example"},
    "spec": {
        "group": "yaml.example",
        "names": {"kind": "Free", "plural": "frees", "singular": "free", "listKind": "FreeList"},
        "scope": "Cluster",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def test_texts_are_quoted_and_folded_and_keys_ordered_as_kubectl_does(workspace) -> None:
    texts = {f"text-{number}": text for number, text in enumerate(TEXTS)}
    body = {"metadata": {"name": "texts"}, "data": {**texts, **dict.fromkeys(KEYS, "1")}}
    status, answer = workspace.request("POST", MAPS, body)
    assert status == 201, answer
    compare(workspace, f"{MAPS}/texts", "configmap", "texts")


def test_values_of_all_kinds_are_written_as_kubectl_does(workspace) -> None:
    status, answer = workspace.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION)
    assert status == 201, answer
    free = {"numbers": NUMBERS, "empty": [{}, [], "", None], "lists": [[1, [2]], [{"a": [True, False]}]]}
    path = "/apis/yaml.example/v1/frees"
    status, answer = workspace.request(
        "POST", path, {"kind": "Free", "apiVersion": "yaml.example/v1", "metadata": {"name": "x"}, "free": free}
    )
    assert status == 201, answer
    compare(workspace, f"{path}/x", "frees", "x")


def compare(workspace, path: str, kind: str, name: str) -> None:
    status, text = workspace.request("GET", path, headers={"Accept": "application/yaml"})
    assert status == 200
    assert text == workspace.kubectl("get", kind, name, "-o", "yaml", "--show-managed-fields").stdout


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(max_size=12) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("<<"), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_what_is_written_reads_back(value: Any) -> None:
    assert parse(dump(value)) == (value, "")
