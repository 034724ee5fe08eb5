"""Definitions with one mistake each, or two, beside those that schemas made at random have."""

from typing import Any

Object = dict[str, Any]
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}


def version(name="v1", *, schema=SCHEMA, storage=True, served=True, **more):
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def made(versions=None, names=None, annotations=None, name="things.example.dev", **spec) -> Object:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, **({"annotations": annotations} if annotations else {})},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing", **(names or {})},
            "versions": versions if versions is not None else [version()],
            **spec,
        },
    }


def field(schema, **more):
    properties = {"spec": {"type": "object", "properties": {"a": schema}}}
    return made([version(schema={"type": "object", "properties": properties}, **more)])


def column(**more):
    return made([version(additionalPrinterColumns=[{"name": "A", "type": "string", "jsonPath": ".spec.a", **more}])])


def scale(**more):
    paths = {"specReplicasPath": ".spec.a", "statusReplicasPath": ".status.b", **more}
    return made([version(subresources={"scale": paths})])


def selectable(*paths):
    return made([version(selectableFields=[{"jsonPath": path} for path in paths])])


def converted(client=None, versions=("v1",), **more):
    webhook = {"clientConfig": client, "conversionReviewVersions": list(versions)} if client is not None else None
    return made(conversion={"strategy": "Webhook", **({"webhook": webhook} if webhook else {}), **more})


def rule(**more):
    return field({"type": "string", "x-kubernetes-validations": [{"rule": "true", **more}]})


URL = {"url": "https://h/p"}
MIXED = {"x-kubernetes-int-or-string": True}
MAP = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}
KEEP = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
EMBEDDED = {"x-kubernetes-embedded-resource": True}
NAMED = {**EMBEDDED, "type": "object"}
DEFINITIONS = (
    made(),
    *(made(group=group) for group in ("", "example", "Example.dev", "a..b", "example.dev.")),
    *(made(scope=scope) for scope in ("", "Galaxy", "Cluster")),
    made(name="other.example.dev"),
    *(
        made(names={part: text})
        for part in ("plural", "singular", "kind", "listKind")
        for text in ("", "A b", "x" * 64)
    ),
    made(names={"listKind": "Thing"}),
    made(names={"shortNames": ["t", "T", ""], "categories": ["all", "A l"]}),
    made([]),
    made([version(storage=False)]),
    made([version(), version("v2")]),
    made([version(), version(storage=False)]),
    *(made([version(name)]) for name in ("V1", "1", "v1.2", "v" * 64)),
    made([{"name": "v1", "served": True, "storage": True}]),
    made([version(), {"name": "v2", "served": False, "storage": False, "schema": {}}]),
    made([version(deprecationWarning="old")]),
    *(
        made([version(deprecated=True, deprecationWarning=text)])
        for text in ("", "x" * 257, "a\nb", "a\x7f", "é", "ok")
    ),
    made([version(deprecationWarning="")]),
    made(preserveUnknownFields=True),
    *(
        made(group="x.k8s.io", name="things.x.k8s.io", annotations={"api-approved.kubernetes.io": text})
        for text in ("", "x")
    ),
    made(group="x.k8s.io", name="things.x.k8s.io", annotations={"api-approved.kubernetes.io": "unapproved: test"}),
    made(
        group="x.kubernetes.io",
        name="things.x.kubernetes.io",
        annotations={"api-approved.kubernetes.io": "https://h/p"},
    ),
    *(
        column(**{part: text})
        for part in ("name", "type", "format", "jsonPath")
        for text in ("", "odd", ".spec", "int32")
    ),
    *(
        column(jsonPath=text)
        for text in (".", ".spec[", ".spec['a", "{.spec}", ".a b", ".spec[?(@.a==1)]", "..", ".a..b")
    ),
    *(column(type=kind) for kind in ("integer", "number", "boolean", "date", "string")),
    *(scale(specReplicasPath=text) for text in ("", ".spec", "spec.a", ".status.a", ".spec.", ".spec.a[0]")),
    *(scale(statusReplicasPath=text) for text in ("", ".status", ".spec.a")),
    *(scale(labelSelectorPath=text) for text in ("", ".x.a", ".spec.a", "x", ".status")),
    *(
        selectable(text)
        for text in ("", ".spec.a", ".spec", ".spec.b", "spec.a", ".metadata.name", ".spec['a']", ".spec.a[0]")
    ),
    *(
        selectable(text)
        for text in (".", "..", ".spec..a", ".spec.", ".kind", ".apiVersion", ".spec['a", ".spec[a]", "'a'")
    ),
    selectable(".spec.a", ".spec.a", ".spec.a"),
    *(made(conversion=conversion) for conversion in ({}, {"strategy": "Magic"}, {"strategy": "Webhook"})),
    made(conversion={"strategy": "None", "webhook": {"clientConfig": URL, "conversionReviewVersions": ["v1"]}}),
    *(converted(URL, versions) for versions in ((), ("v1", "v1"), ("v2",), ("V1", "v1beta1"), ("v1", "a b"))),
    converted({}),
    converted({**URL, "service": {"name": "s", "namespace": "n"}}),
    *(
        converted({"url": url})
        for url in ("", "http://h", "h/p", "https://", "https://h/p?q=1", "https://h#f", "https://u:p@h", "https://h:1")
    ),
    *(
        converted({"service": {"name": "s", "namespace": "n", **more}})
        for more in ({"name": "", "namespace": ""}, {"port": 0}, {"port": 70000}, {"path": "p"}, {"path": "/a//b"})
    ),
    *(converted({"service": {"name": "s", "namespace": "n", "path": path}}) for path in ("/", "/a/", "/A", "/a b", "")),
    *(rule(rule=text) for text in ("", "  ")),
    *(rule(message=text) for text in ("  ", "a\nb", "ok")),
    rule(rule="true &&\ntrue"),
    *(rule(messageExpression=text) for text in ("  ", "'ok'")),
    *(rule(reason=text) for text in ("Odd", "FieldValueForbidden")),
    *(rule(fieldPath=text) for text in ("  ", ".a\nb", ".nope", "nope")),
    field({"type": "string", "x-kubernetes-validations": [{"rule": ""}, {"rule": "true", "fieldPath": ""}]}),
    *(
        field({"type": "object", "properties": {"b c": {"type": "string"}}, **more})
        for more in ({}, {"required": ["z"]})
    ),
    *(
        field({**MAP, "items": items})
        for items in ({"type": "string"}, {"type": "object"}, {}, {**KEEP, "nullable": True})
    ),
    *(
        field({**MAP, "items": {"type": "object", "properties": {"k": key}, "required": needed}})
        for key in (
            {"type": "string"},
            {"type": "string", "nullable": True},
            {"type": "array", "items": {"type": "string"}},
            MIXED,
        )
        for needed in ([], ["k"])
    ),
    *(
        field({"type": "array", "x-kubernetes-list-type": "set", "items": items})
        for items in (
            {"type": "string", "nullable": True},
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {**KEEP, "x-kubernetes-map-type": "atomic"},
            {**KEEP, "x-kubernetes-map-type": "granular", "x-kubernetes-list-type": "set"},
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        )
    ),
    *(
        field({**NAMED, **more})
        for more in (
            {},
            {"properties": {"metadata": {"type": "object", "default": {"name": "n"}}}},
            {"properties": {"metadata": {"type": "object", "default": {"name": "a/b", "labels": {"a": "b c"}}}}},
            {
                "properties": {
                    "metadata": {"type": "object", "properties": {"name": {"type": "string", "default": "a/b"}}}
                }
            },
            {
                "properties": {
                    "metadata": {"type": "object", "properties": {"name": {"type": "string", "default": "ok"}}}
                }
            },
            {"properties": {"metadata": {"type": "object", "default": {"labels": {"a": 1}}}}},
            {
                "properties": {
                    "kind": {"type": "string", "default": "x y"},
                    "apiVersion": {"type": "string", "default": ""},
                }
            },
            {"properties": {"metadata": {**KEEP, **EMBEDDED}}},
            {
                "properties": {
                    "metadata": {
                        "type": "object",
                        "properties": {
                            "labels": {"type": "object", "additionalProperties": {"type": "string", "default": "x"}},
                            "finalizers": {"type": "array", "items": {"type": "string", "default": "x y"}},
                        },
                    }
                }
            },
            {**KEEP, "default": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "odd": 1}}},
            {**KEEP, "default": {"apiVersion": "v1", "kind": "X", "metadata": {"name": 1}}},
            {**KEEP, "default": {"apiVersion": "v1", "kind": 1}},
        )
    ),
    *(
        made([version(schema={**SCHEMA, **more}, subresources=subresources)])
        for subresources in ({}, {"status": {}})
        for more in (
            {"required": ["spec"]},
            {"description": "d", "minProperties": 1},
            {"enum": [{}]},
            {"oneOf": [{"required": ["spec"]}]},
            {"nullable": True},
            {"default": {"spec": {}}},
            {"type": ""},
            {"type": "array", "items": {"type": "string"}},
            {"x-kubernetes-embedded-resource": True},
            {
                "properties": {
                    "metadata": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}
                }
            },
            {"properties": {"metadata": {"type": "object", "description": "d"}}},
            {"properties": {"metadata": {"type": "object", "required": ["name"]}}},
            {"properties": {"metadata": {"type": "object", "default": {"name": "n"}}}},
            {"properties": {"kind": {"type": "string", "default": "Thing"}}},
            {"allOf": [{"properties": {"spec": {"properties": {"z": {"minLength": 1}}}, "items": {}}}]},
            {
                "allOf": [
                    {"items": {"minLength": 1}},
                    {"properties": {"metadata": {"properties": {"name": {"maxLength": 3}}}}},
                ]
            },
            {"not": {"anyOf": [{"properties": {"y": {}}}]}},
        )
    ),
)
LIVE = made([version(), version("v2", storage=False)])
CHANGES = (
    made([version(storage=False), version("v2")]),
    made([version("v2")]),
    made([version(), version("v2", storage=False)], names={"kind": "Other"}),
    made([version(), version("v2", storage=False)], names={"shortNames": ["t"]}),
    made([version(), version("v2", storage=False)], names={"plural": "others"}),
    made([version(), version("v2", storage=False)], scope="Cluster"),
    made([version(), version("v2", storage=False)], group="example.org"),
    made([version(), version("v2", storage=False)], preserveUnknownFields=True),
    made([version(schema={"type": "object", "properties": {"a": {"type": "array"}}}), version("v2", storage=False)]),
    field({"type": "string", "default": 1}),
)
