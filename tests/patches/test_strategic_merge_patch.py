"""Strategic merge patch by scripts: `from`, `patch`, and `to` or `!`, each with YAML in flow style behind it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifold.base.errors import StatusError
from manifold.schema.model import Node
from manifold.schema.patches import apply_strategic_merge_patch
from manifold.schema.patches.printing import literal, printed


def text(**how: Any) -> Node:
    return Node("string", **how)


def mergeable(item: Node, key: str = "name", strategy: str = "merge") -> Node:
    return Node("list", items=item, patch_strategy=strategy, patch_key=key)


def thing(**properties: Node) -> Node:
    return Node("object", properties=properties)


STRINGS = Node("map", values=text())
NODE = thing(
    data=STRINGS,
    selector=STRINGS,
    replicas=Node("integer"),
    containers=mergeable(
        thing(name=text(), image=text(), command=text(), env=mergeable(thing(name=text(), value=text())))
    ),
    plain=Node("list", items=thing(name=text())),
    args=Node("list", items=text()),
    finalizers=Node("list", items=text(), patch_strategy="merge"),
    nokey=Node("list", items=Node("object", go="v1.Thing"), patch_strategy="merge", go="v1.Thing"),
    strategy=Node("object", properties={"type": text(), "rollingUpdate": STRINGS}, patch_strategy="retainKeys"),
    volumes=mergeable(thing(name=text(), emptyDir=STRINGS, configMap=STRINGS), strategy="merge,retainKeys"),
    whole=Node("map", values=text(), patch_strategy="replace"),
)


def cases() -> Iterator[Any]:
    title, document, patch = "", None, None
    for line in (Path(__file__).parent / "scripts" / "strategic.txt").read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "==":
            title, count = rest, 0
        elif word == "from":
            document = yaml.safe_load(rest)
        elif word == "patch":
            patch = yaml.safe_load(rest)
        elif word == "to" or word == "!":
            count += 1
            refusal = rest.strip().replace("\\n", "\n") if word == "!" else ""
            result = yaml.safe_load(rest) if word == "to" else None
            yield pytest.param(document, patch, result, refusal, id=f"{title} {count}")


@pytest.mark.parametrize(("document", "patch", "result", "refusal"), list(cases()))
def test_strategic_merge(document: Any, patch: Any, result: Any, refusal: str) -> None:
    before = copy.deepcopy((document, patch))
    if refusal:
        with pytest.raises(StatusError) as refused:
            apply_strategic_merge_patch(document, patch, NODE)
        assert refused.value.status() == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": refusal,
            "code": 500,
        }
    else:
        assert apply_strategic_merge_patch(document, patch, NODE) == result
    assert (document, patch) == before


def test_body_that_is_no_object() -> None:
    with pytest.raises(StatusError) as refused:
        apply_strategic_merge_patch({}, [1], NODE)
    assert refused.value.code == 400
    assert refused.value.message == "json: cannot unmarshal array into Go value of type map[string]interface {}"


def test_values_in_go_words() -> None:
    value = {"b": [1, "x", None, True], "a": {"c": 1.5}}
    assert printed(value) == "map[a:map[c:1.5] b:[1 x <nil> true]]"
    assert literal(value) == (
        'map[string]interface {}{"a":map[string]interface {}{"c":1.5}, '
        '"b":[]interface {}{1, "x", interface {}(nil), true}}'
    )
