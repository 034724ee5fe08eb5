"""Definitions that use everything a schema can say, so that both sides are asked about all of it."""

from support.random_objects import BY_FORMAT

S = {"type": "string"}
I = {"type": "integer"}  # noqa: E741 - schemas are read by their columns
KEEP = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
MIXED = {"x-kubernetes-int-or-string": True}


def items(schema, **more):
    return {"type": "array", "items": schema, **more}


def fields(*needed, **properties):
    return {"type": "object", "properties": properties, **({"required": list(needed)} if needed else {})}


def keyed(*keys, **properties):
    more = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    return items(fields(*[key for key in keys if "default" not in properties[key]], **properties), **more)


def a_set(schema):
    return items(schema, **{"x-kubernetes-list-type": "set"})


SCALARS = fields(
    "text",
    "flag",
    text=S,
    flag={"type": "boolean"},
    short={"type": "string", "minLength": 2, "maxLength": 4},
    single={"type": "string", "maxLength": 1},
    matched={"type": "string", "pattern": "^[a-z]+(-[0-9])?$"},
    chosen={"type": "string", "enum": ["a", "b<&>", 'c"']},
    maybe={"type": "string", "nullable": True, "enum": ["a", "b"]},
    nothing={"type": "string", "nullable": True, "minLength": 2},
    numbers={"type": "integer", "enum": [1, 2, 3]},
    whole={"type": "integer", "minimum": -1, "maximum": 10},
    inner={"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 3, "exclusiveMaximum": True},
    small={"type": "integer", "format": "int32"},
    large={"type": "integer", "format": "int64", "minimum": 0},
    odd={"type": "integer", "format": "uint8"},
    even={"type": "integer", "multipleOf": 2},
    number={"type": "number", "minimum": 0, "maximum": 100},
    float={"type": "number", "format": "float"},
    double={"type": "number", "format": "double"},
    mixed=MIXED,
    bounded={**MIXED, "minimum": 1, "pattern": "^[0-9]+%$", "anyOf": [{"type": "integer"}, {"type": "string"}]},
    narrowed={
        **MIXED,
        "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"maximum": 100}],
    },
)
HOLDERS = fields(
    list=items(S, minItems=1, maxItems=2),
    one=items(I, maxItems=1),
    matrix=items(items(I)),
    objects=items(fields("a", a=S, b=I)),
    names=a_set(S),
    amounts=a_set({"type": "number"}),
    points=a_set({**fields(x=I, y=I), "x-kubernetes-map-type": "atomic"}),
    byName=keyed("name", name=S, value=I, flags=a_set(S)),
    byTwo=keyed("port", "protocol", port=I, protocol={**S, "default": "TCP"}, name=S),
    labels={"type": "object", "additionalProperties": S, "maxProperties": 2},
    sized={"type": "object", "additionalProperties": fields("a", a=I), "minProperties": 1, "maxProperties": 1},
    lists={"type": "object", "additionalProperties": keyed("k", k=S, v=I)},
    open={"type": "object", "additionalProperties": True},
    shut={"type": "object", "additionalProperties": False},
    nulls={"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
    filled={"type": "object", "additionalProperties": {"type": "string", "default": "d"}},
    free=KEEP,
    partly={**KEEP, "properties": {"known": fields("a", a=S), "list": items(fields(a=I))}},
    entries={**KEEP, "additionalProperties": fields(a=I)},
    anything={"x-kubernetes-preserve-unknown-fields": True},
    anythings=items({"x-kubernetes-preserve-unknown-fields": True}),
)
DEFAULTED = fields(
    text={**S, "default": "d"},
    nothing={**S, "default": "d", "nullable": True},
    list={**items({**I, "default": 1}), "default": [1, 2]},
    object={**fields(a={**S, "default": "x"}, b=S), "default": {"b": "y"}},
    deep=fields(a=fields(b={**fields(c={**I, "default": 5}), "default": {}})),
    entries={"type": "object", "additionalProperties": fields(a={**I, "default": 1}), "default": {"k": {}}},
    items=items(fields(a={"type": "boolean", "default": False})),
    embedded={
        **KEEP,
        "x-kubernetes-embedded-resource": True,
        "default": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "odd": 1}, "spec": None},
    },
    nulls={**fields(a={**S, "nullable": True, "default": None}, b=S), "default": {"a": None}},
)
EMBEDDED = fields(
    any={**KEEP, "x-kubernetes-embedded-resource": True},
    known={**fields("spec", spec=fields(a=S)), "x-kubernetes-embedded-resource": True},
    named={
        **fields(
            apiVersion={**S, "enum": ["v1"]},
            metadata=fields("name", name={**S, "maxLength": 3}, labels=KEEP),
            data=KEEP,
        ),
        "x-kubernetes-embedded-resource": True,
    },
    list=items({**KEEP, "x-kubernetes-embedded-resource": True}),
    map={"type": "object", "additionalProperties": {**KEEP, "x-kubernetes-embedded-resource": True}},
    nested={
        **fields(inner={**KEEP, "x-kubernetes-embedded-resource": True}, spec=S),
        "x-kubernetes-embedded-resource": True,
    },
)
ABC = {"a": S, "b": I, "c": items(S), "d": fields(e=S, f=I)}
COMBINED = fields(
    one={**fields(**ABC), "oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c", "d"]}]},
    any={
        **fields(**ABC),
        "anyOf": [
            {"properties": {"a": {"enum": ["x", "abc"]}}, "required": ["a"]},
            {"properties": {"b": {"minimum": 5}, "d": {"required": ["e"]}}, "required": ["b"]},
        ],
    },
    all={**fields(**ABC), "allOf": [{"required": ["a"]}, {"properties": {"b": {"maximum": 2}}}, {"minProperties": 2}]},
    no={**fields(**ABC), "not": {"required": ["a", "b"]}},
    nested={
        **fields(**ABC),
        "allOf": [
            {"oneOf": [{"required": ["a"]}, {"not": {"required": ["b"]}}]},
            {"anyOf": [{"properties": {"c": {"minItems": 1, "items": {"maxLength": 2}}}}, {"maxProperties": 1}]},
        ],
    },
    texts={**S, "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"pattern": "^x"}, {"maxLength": 0}]},
    ranges={**I, "oneOf": [{"maximum": 2}, {"minimum": 2, "maximum": 5}, {"enum": [100]}]},
    lists={**items(I), "not": {"minItems": 2}, "allOf": [{"items": {"minimum": 0}}]},
    maybe={**S, "nullable": True, "anyOf": [{"enum": ["a"]}, {"minLength": 2}]},
)
FORMATS = fields(**{f"f{position}": {**S, "format": form} for position, form in enumerate(BY_FORMAT)})
ODD_FORMATS = fields(
    unknown={**S, "format": "quantity"},
    dashed={**S, "format": "date-ti-me"},
    number={**S, "format": "int32"},
    mixed={**MIXED, "format": "ipv4"},
    integer={**I, "format": "date"},
    list=items({**S, "format": "uuid"}),
)


def definition(name, spec, status=None, root=None, **version):
    """A definition with one version, whose objects have a spec and a status."""
    schema = {"type": "object", "properties": {"spec": spec, **({"status": status} if status else {})}, **(root or {})}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{name}s.example.dev"},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": f"{name}s", "kind": name.capitalize()},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
            ],
        },
    }


STATUS = fields(
    "phase", phase={**S, "enum": ["Ready"]}, count=I, conditions=keyed("type", type=S, status=S), emb=EMBEDDED
)
SCALE = {"specReplicasPath": ".spec.count", "statusReplicasPath": ".status.count", "labelSelectorPath": ".status.find"}
DEFINITIONS = (
    definition("scalar", SCALARS),
    definition("holder", HOLDERS),
    definition("defaulted", DEFAULTED, DEFAULTED),
    definition("embedded", EMBEDDED, STATUS, subresources={"status": {}}),
    definition("combined", COMBINED, root={"required": ["spec"], "minProperties": 4}),
    definition("formatted", FORMATS),
    definition("odd", ODD_FORMATS, root={"anyOf": [{"required": ["spec"]}, {"required": ["status"]}]}),
    definition(
        "scaled",
        fields(count={**I, "default": 1}),
        fields("count", count=I, find=S),
        subresources={"status": {}, "scale": SCALE},
    ),
    definition("preserving", KEEP, {"x-kubernetes-preserve-unknown-fields": True}, root=KEEP),
    definition(
        "rooted",
        HOLDERS,
        root={
            "properties": {
                "apiVersion": S,
                "kind": {**S, "maxLength": 20},
                "metadata": fields(name={**S, "maxLength": 10}),
                "spec": SCALARS,
                "other": HOLDERS,
            },
            "required": ["other"],
        },
    ),
)
