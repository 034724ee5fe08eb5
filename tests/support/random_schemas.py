"""Definitions with schemas made at random: mostly good ones, with something wrong here and there."""

from random import Random
from typing import Any

Schema = dict[str, Any]
TYPES = ("string", "integer", "number", "boolean", "object", "array")
NARROWING = ("required", "minProperties", "maximum", "minLength", "enum", "pattern", "properties", "items", "not")
FORBIDDEN_INSIDE = (
    ("type", "string"),
    ("default", "x"),
    ("title", "t"),
    ("description", "d"),
    ("nullable", True),
    ("additionalProperties", {}),
    ("additionalProperties", True),
    ("x-kubernetes-preserve-unknown-fields", True),
    ("x-kubernetes-embedded-resource", True),
    ("x-kubernetes-int-or-string", True),
    ("x-kubernetes-list-type", "set"),
    ("x-kubernetes-list-map-keys", ["a"]),
    ("x-kubernetes-map-type", "atomic"),
)
WRONG = (
    ("type", ""),
    ("type", "text"),
    ("type", "null"),
    ("id", "x"),
    ("$ref", "#/x"),
    ("definitions", {"a": {"type": "string"}}),
    ("dependencies", {"a": ["b"]}),
    ("patternProperties", {"a": {"type": "string"}}),
    ("additionalItems", True),
    ("uniqueItems", True),
    ("pattern", "(["),
    ("pattern", "^(?=a)"),
    ("nullable", True),
    ("additionalProperties", True),
    ("additionalProperties", False),
    ("additionalProperties", {"type": "string"}),
    ("items", [{"type": "string"}]),
    ("items", {"type": "string"}),
    ("default", "x"),
    ("default", {"odd": 1}),
    ("default", [1, 1]),
    ("default", None),
    ("x-kubernetes-preserve-unknown-fields", True),
    ("x-kubernetes-preserve-unknown-fields", False),
    ("x-kubernetes-embedded-resource", True),
    ("x-kubernetes-int-or-string", True),
    ("x-kubernetes-list-type", "set"),
    ("x-kubernetes-list-type", "map"),
    ("x-kubernetes-list-type", "bag"),
    ("x-kubernetes-list-map-keys", ["a"]),
    ("x-kubernetes-list-map-keys", ["a", "a"]),
    ("x-kubernetes-map-type", "atomic"),
    ("x-kubernetes-map-type", "odd"),
    ("oneOf", [{"required": ["a"]}]),
    ("not", {"properties": {"zz": {}}}),
    ("anyOf", [{"type": "integer"}, {"type": "string"}]),
    ("allOf", [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"maximum": 3}]),
    ("properties", {"metadata": {"type": "object", "properties": {"name": {"type": "string"}}}}),
    ("properties", {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}),
    ("properties", {"metadata": {"type": "string"}, "kind": {"type": "integer"}, "apiVersion": {"type": "object"}}),
)


class Schemas:
    """Makes schemas. `wrong` is how often a place is spoilt."""

    def __init__(self, random: Random, wrong: float) -> None:
        self.random = random
        self.wrong = wrong
        self.left = 12

    def make(self, depth: int = 0) -> Schema:
        """A schema of a field."""
        random = self.random
        self.left -= 1
        kind = random.choice(TYPES if depth < 3 and self.left > 0 else TYPES[:4])
        made: Schema = {"type": kind}
        if kind == "object":
            self._object(made, depth)
        elif kind == "array":
            self._array(made, depth)
        elif random.random() < 0.3:
            good = {"string": "abc", "integer": 3, "number": 1.5, "boolean": True}[kind]
            made["default"] = good if random.random() >= self.wrong else random.choice((good, "x", 7, {}, [1]))
        if random.random() < 0.1:
            made = {**made, "x-kubernetes-int-or-string": True}
            del made["type"]
        if random.random() < 0.3:
            made[random.choice(("anyOf", "oneOf", "allOf"))] = [self._narrowing(made) for _ in range(2)]
        if random.random() < self.wrong:
            name, value = random.choice(WRONG)
            made[name] = value
        if random.random() < self.wrong / 3 and "type" in made:
            del made["type"]
        return made

    def _object(self, made: Schema, depth: int) -> None:
        random = self.random
        choice = random.randrange(5)
        if choice < 3:
            names = random.sample(("a", "b", "c", "d.e", "metadata", "kind"), random.choice((1, 2, 3)))
            made["properties"] = {name: self.make(depth + 1) for name in names}
            if random.random() < 0.3:
                made["required"] = [random.choice(names)]
        elif choice == 3:
            made["additionalProperties"] = self.make(depth + 1)
        else:
            made["x-kubernetes-preserve-unknown-fields"] = True
        if random.random() < 0.15:
            made["x-kubernetes-embedded-resource"] = True
        if random.random() < 0.15:
            made["x-kubernetes-map-type"] = random.choice(("atomic", "granular"))
        if random.random() < 0.2:
            made["default"] = random.choice(
                (
                    {},
                    {"a": "x"},
                    {"a": 1, "odd": 1},
                    {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}},
                    {"apiVersion": "v1", "kind": "X y", "metadata": {"labels": {"a": "b c"}}},
                )
            )

    def _array(self, made: Schema, depth: int) -> None:
        random = self.random
        made["items"] = self.make(depth + 1)
        choice = random.randrange(4)
        if choice == 1:
            made["x-kubernetes-list-type"] = random.choice(("atomic", "set"))
        elif choice == 2:
            key = {"type": random.choice(("string", "integer", "object")), **random.choice(({}, {"default": "x"}))}
            made["items"] = {"type": "object", "properties": {"a": key}, "required": random.choice((["a"], []))}
            made["x-kubernetes-list-type"] = "map"
            made["x-kubernetes-list-map-keys"] = random.choice((["a"], ["a"], ["b"], ["a", "a"]))
        if random.random() < 0.15:
            made["default"] = random.choice(([], ["x"], [1, 1], [{}]))

    def _narrowing(self, schema: Schema) -> Schema:
        random = self.random
        made: Schema = {}
        name = random.choice(NARROWING)
        if name == "properties":
            names = list(schema.get("properties") or ()) if random.random() >= self.wrong else ["zz"]
            made["properties"] = {each: {"minLength": 1} for each in names[:2]}
        elif name == "items":
            made["items"] = {"maximum": 3} if "items" in schema or random.random() < self.wrong else {}
            if not made["items"]:
                del made["items"]
        elif name == "not":
            made["not"] = {"required": ["a"]}
        else:
            values = {"required": ["a"], "enum": ["a"], "pattern": "^a"}
            made[name] = values.get(name, 1)
        if random.random() < self.wrong:
            forbidden, value = random.choice(FORBIDDEN_INSIDE)
            made[forbidden] = value
        return made


def random_definition(random: Random, wrong: float) -> Schema:
    """A definition with one or two versions, which may have a status."""
    schemas = [_root(random, wrong)]
    if random.random() < 0.3:
        schemas.append(_root(random, wrong) if random.random() < 0.7 else schemas[0])
    status = random.random() < 0.4
    versions = []
    for position, schema in enumerate(schemas):
        version: Schema = {"name": f"v{position + 1}", "served": True, "storage": not position}
        version["schema"] = {"openAPIV3Schema": schema}
        if status:
            version["subresources"] = {"status": {}}
        versions.append(version)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.dev"},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": versions,
        },
    }


def _root(random: Random, wrong: float) -> Schema:
    schemas = Schemas(random, wrong)
    made: Schema = {"type": "object", "properties": {"spec": schemas.make(), "status": schemas.make()}}
    if random.random() < wrong:
        name, value = random.choice(WRONG)
        made[name] = value
    if random.random() < 0.2:
        made["properties"]["metadata"] = random.choice(
            ({"type": "object"}, {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}})
        )
    return made
