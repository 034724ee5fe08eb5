"""Objects made at random from the schema they are to be held against: good ones, and ones that are wrong somewhere.

A seed gives the same objects every time. Objects stay small, whatever the schema, because what is looked for are
differences in judging one place, and readers of a failure have to find it.
"""

import copy
from random import Random
from typing import Any

Schema = dict[str, Any]
ODD_WORDS = ('<&>"\\', "\x7f\n\u2028", "\U0001f600\ufffd", "\u00a0\u200b\u0301", "\t\x00\x1b")
WORDS = (
    *ODD_WORDS,
    "",
    "a",
    "abc",
    "x-1",
    "A_b",
    "10.0.0.1",
    "/p",
    "http://h/x?y=1",
    "*",
    "ä€",
    "0123456789" * 7,
    "1",
    "true",
)
JUNK = ([], {}, ["a", "a"], [1, 1.0], {"odd": 1}, [None], {"a": {"b": None}}, [{}], [[{"a": 1}]])
BY_FORMAT = {
    "date": ("2026-11-21", "2026-13-01", "2026-1-1"),
    "date-time": ("2026-11-21T10:00:00Z", "2026-11-21t10:00:00.5+01:00", "2026-11-21 10:00:00Z", "2026-11-21T10:00:00"),
    "duration": ("1h30m", "5s", "3 days", "-1s", "five", "1", ".5s", "9w"),
    "ipv4": ("10.0.0.1", "010.0.0.1", "10.0.0", "::1", "::ffff:1.2.3.4"),
    "ipv6": ("::1", "fe80::1%eth0", "10.0.0.1", "::ffff:1.2.3.4"),
    "cidr": ("10.0.0.0/8", "10.0.0.0/33", "::/0", "10.0.0.0", "10.0.0.0/08"),
    "uri": ("http://a/b", "/a", "a/b", "http://[::1]:80/", "http://a b/", "x:y", "http://a/%zz", "#f", "//h/p"),
    "email": ("a@b", "a.b@c.d", "A <a@b>", "a@", "@b", '"a b"@c', "a@b (c)", "<a@b>"),
    "hostname": ("a", "a.b.com", "-a", "a_b", "a.", "a.1", "1.2", "EXAMPLE.com", "ä.de", "a" * 64),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000", "123e"),
    "mac": ("00:11:22:33:44:55", "0011.2233.4455", "00-11-22-33-44-55", "00:11"),
    "byte": ("YWJj", "YQ==", "YQ", "a_-b", "", "YW\nJj"),
    "password": ("x", ""),
    "hexcolor": ("#fff", "fff", "#ff", "#ABCDEF"),
    "rgbcolor": ("rgb(1,2,3)", "rgb(1, 2, 3)", "rgb(256,0,0)", "rgb(01,2,3)"),
    "isbn": ("0321751043", "978-0321751041", "123"),
    "creditcard": ("4111 1111 1111 1111", "4111111111111112", "1"),
    "ssn": ("111-11-1111", "111111111", "11"),
    "bsonobjectid": ("507f1f77bcf86cd799439011", "x"),
    "k8s-short-name": ("a-b", "A", "a.b", "-a"),
    "k8s-long-name": ("a.b-c", "a..b", "A.b"),
}
EMBEDDED_METADATA = (
    {"name": "n"},
    {"name": "n", "namespace": "ns", "labels": {"a": "b"}},
    {"name": "Bad/Name"},
    {"labels": {"a": "b c"}, "odd": 1},
    {"odd": {"x": 1}, "annotations": {"a": "b"}, "finalizers": ["x"]},
    {"name": 1},
    {"namespace": "UP"},
    {"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "n", "uid": "u", "odd": 1}]},
    {"creationTimestamp": None, "generateName": "g-"},
    {"labels": {"a": 1}},
    {"generation": -1},
    "text",
    None,
    {},
)


class Objects:
    """Makes objects of one schema, that of a whole custom resource. `wrong` is how often a place is spoilt."""

    def __init__(self, random: Random, schema: Schema, wrong: float) -> None:
        self.random = random
        self.schema = schema
        self.wrong = wrong
        self.left = 0

    def make(self, api_version: str, kind: str, namespace: str | None = "default") -> Schema:
        """A whole object."""
        self.left = self.random.choice((10, 40, 120))
        made = self.value(self.schema, root=True)
        made = made if isinstance(made, dict) else {}
        metadata = {"name": "one", **({"namespace": namespace} if namespace else {})}
        return {**made, "apiVersion": api_version, "kind": kind, "metadata": metadata}

    def value(self, schema: Schema, root: bool = False) -> Any:
        """A value of a schema, or one that spoils it."""
        self.left -= 1
        random = self.random
        if not root and random.random() < self.wrong:
            return self.junk()
        if not root and schema.get("enum") and random.random() < 0.9:
            return copy.deepcopy(random.choice(schema["enum"]))
        if "default" in schema and random.random() < 0.3:
            return copy.deepcopy(schema["default"])
        if schema.get("nullable") and random.random() < 0.1:
            return None
        if schema.get("x-kubernetes-int-or-string"):
            return random.choice((0, 1, 8080, -3, "50%", "http", "", 1.5, True))
        make = getattr(self, f"_{schema.get('type') or 'any'}", self._any)
        return make(schema)

    def junk(self) -> Any:
        """Something that mostly belongs elsewhere."""
        random = self.random
        choice = random.randrange(10)
        if choice < 3:
            return random.choice(WORDS)
        if choice < 6:
            return random.choice((0, 1, -1, 5, 1 << 31, 1 << 53, (1 << 63) - 99, 0.5, 1.0, 1e10, -2.5, True, False))
        if choice == 6:
            return None
        return copy.deepcopy(
            random.choice(([], {}, ["a", "a"], [1, 1.0], {"odd": 1}, [None], {"a": {"b": None}}, [{}]))
        )

    def _any(self, schema: Schema) -> Any:
        if schema.get("properties"):
            return self._object(schema)
        return self.junk()

    def _object(self, schema: Schema) -> Schema:
        random = self.random
        made: Schema = {}
        described = schema.get("properties") or {}
        needed = set(schema.get("required") or ())
        for alternative in (*(schema.get("oneOf") or ()), *(schema.get("anyOf") or ()), *(schema.get("allOf") or ())):
            if random.random() < 0.5:
                needed |= set(alternative.get("required") or ())
        share = min(1.0, 6 / len(described)) if described else 0
        names = list(described)
        random.shuffle(names)
        for name in names:
            if (name in needed and random.random() >= self.wrong) or (self.left > 0 and random.random() < share):
                made[name] = self.value(described[name])
        additional = schema.get("additionalProperties")
        if additional not in (None, False) or schema.get("x-kubernetes-preserve-unknown-fields"):
            for _ in range(random.choice((0, 1, 1, 2, 3)) if self.left > 0 else 0):
                inner = additional if isinstance(additional, dict) else {}
                made[random.choice(("k", "l", "a.b/c", "m n", "apiVersion"))] = self.value(inner)
        if random.random() < self.wrong:
            made[random.choice(("odd", "o.dd", "spec", "$odd", "apiVersion", "metadata"))] = self.junk()
        if schema.get("x-kubernetes-embedded-resource"):
            self._embed(made)
        return made

    def _embed(self, made: Schema) -> None:
        random = self.random
        for name, good, bad in (
            ("apiVersion", ("v1", "a.b/v1"), ("", "a/b/c", 1, None)),
            ("kind", ("X", "Thing"), ("", "a b", 1, None, "x_y")),
        ):
            if random.random() >= self.wrong:
                made[name] = random.choice(bad if random.random() < self.wrong else good)
        if random.random() < 0.7:
            made["metadata"] = copy.deepcopy(random.choice(EMBEDDED_METADATA if self.wrong else EMBEDDED_METADATA[:2]))

    def _array(self, schema: Schema) -> list[Any]:
        random = self.random
        fewest = schema.get("minItems") or 0
        size = random.choice((0, 1, 1, 2, 3)) if self.left > 0 else 0
        if random.random() >= self.wrong:
            size = max(size, fewest)
        made = [self.value(schema.get("items") or {}) for _ in range(min(size, 20))]
        if made and random.random() < self.wrong * 2:
            made.append(copy.deepcopy(random.choice(made)))
        return made

    def _string(self, schema: Schema) -> str:
        random = self.random
        examples = BY_FORMAT.get(schema.get("format") or "")
        if examples:
            return random.choice(examples if self.wrong else examples[:1])
        word = random.choice(WORDS)
        shortest, longest = schema.get("minLength") or 0, schema.get("maxLength")
        if random.random() >= self.wrong:
            word = word.ljust(shortest, "z") if shortest < 1000 else word
            word = word[:longest] if longest is not None else word
        return word

    def _integer(self, schema: Schema) -> Any:
        random = self.random
        edges = [edge for edge in (schema.get("minimum"), schema.get("maximum")) if edge is not None]
        if edges and random.random() < 0.7:
            edge = random.choice(edges)
            return int(edge) + random.choice((0, 0, 1, -1)) if abs(edge) < 1e15 else 7
        return random.choice((0, 1, 2, 3, 10, 100, -1, 5.0, 1 << 31, -(1 << 31) - 1))

    def _number(self, schema: Schema) -> Any:
        return self.random.choice((self._integer(schema), 0.5, 1.25, -2.5, 1e-7, 123456.789, 1e21, 3.5e38, 0.1))

    def _boolean(self, schema: Schema) -> bool:
        return self.random.random() < 0.5


def changed(random: Random, value: Any, times: int) -> Any:
    """A copy of a JSON value that differs in at most `times` places, whatever a schema says of them."""
    made = copy.deepcopy(value)
    for _ in range(times):
        holders = [holder for holder in _holders(made) if holder]
        if not holders:
            break
        holder = random.choice(holders)
        if isinstance(holder, dict):
            name = random.choice(sorted(holder))
            _change_field(random, holder, name)
        else:
            _change_element(random, holder)
    return made


def _holders(value: Any) -> list[Any]:
    found: list[Any] = []
    if isinstance(value, (dict, list)):
        found.append(value)
        for child in value.values() if isinstance(value, dict) else value:
            found += _holders(child)
    return found


def _other(random: Random, value: Any) -> Any:
    if type(value) in (int, float):
        return value + random.choice((1, -1, 10))
    if isinstance(value, str):
        return random.choice((value + "x", value[:-1], "other"))
    return random.choice((None, {}, [], "x", 1, not value))


def _change_field(random: Random, holder: Schema, name: str) -> None:
    choice = random.randrange(5)
    if choice == 0:
        del holder[name]
    elif choice == 1:
        holder["new"] = random.choice(("x", 1, None, {}))
    elif not isinstance(holder[name], (dict, list)) or choice == 2:
        holder[name] = _other(random, holder[name])


def _change_element(random: Random, holder: list[Any]) -> None:
    position = random.randrange(len(holder))
    choice = random.randrange(5)
    if choice == 0:
        del holder[position]
    elif choice == 1:
        holder.append(copy.deepcopy(holder[position]))
    elif choice == 2:
        random.shuffle(holder)
    elif not isinstance(holder[position], (dict, list)) or choice == 3:
        holder[position] = _other(random, holder[position])


def changed_object(random: Random, obj: Schema, times: int) -> Schema:
    """As `changed`, but what names the object stays."""
    kept = {name: obj[name] for name in ("apiVersion", "kind", "metadata")}
    rest = {name: value for name, value in obj.items() if name not in kept}
    return {**changed(random, rest, times), **copy.deepcopy(kept)}
