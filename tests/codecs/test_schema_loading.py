"""The built-in types as the data file tells them."""

from __future__ import annotations

import pytest

from manifold.schema.loading import built_in_schemas, kinds_of, schema_name

CORE = "io.k8s.api.core.v1."
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"


def test_every_type_can_be_built() -> None:
    schemas = built_in_schemas()
    for name in schemas:
        node = schemas[name]
        assert node.type_name == name
        assert node.go
        assert node.required <= node.properties.keys()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("ConfigMap.data", ("map", "", "map[string]string", False, False)),
        ("ConfigMap.binaryData.any", ("string", "byte", "[]uint8", False, False)),
        ("ConfigMap.immutable", ("boolean", "", "bool", False, True)),
        ("ConfigMap.metadata", ("object", "", "v1.ObjectMeta", True, False)),
        ("ConfigMap.metadata.creationTimestamp", ("string", "date-time", "v1.Time", False, False)),
        ("ConfigMap.metadata.uid", ("string", "", "types.UID", False, False)),
        ("Event.eventTime", ("string", "micro-time", "v1.MicroTime", True, False)),
        ("Event.reportingComponent", ("string", "", "string", True, False)),
        ("ResourceQuota.spec.hard", ("map", "", "v1.ResourceList", False, False)),
        ("ResourceQuota.spec.hard.cpu", ("string", "quantity", "resource.Quantity", False, False)),
        ("Secret.type", ("string", "", "v1.SecretType", False, False)),
    ],
)
def test_places(path: str, expected: tuple[str, str, str, bool, bool]) -> None:
    name, *fields = path.split(".")
    node = built_in_schemas()[CORE + name]
    for field in fields:
        found = node.child(field)
        assert found is not None
        node = found
    assert (node.kind, node.format, node.go, node.written, node.pointer) == expected


def test_merge_directives_and_topology() -> None:
    secrets = built_in_schemas()[CORE + "ServiceAccount"].properties["secrets"]
    assert (secrets.list_type, secrets.map_keys) == ("map", ("name",))
    assert (secrets.patch_strategy, secrets.patch_key) == ("merge", "name")
    finalizers = built_in_schemas()[META + "ObjectMeta"].properties["finalizers"]
    assert (finalizers.list_type, finalizers.patch_strategy) == ("set", "merge")
    assert built_in_schemas()[META + "OwnerReference"].map_type == "atomic"


def test_defaults_and_required_are_those_of_openapi() -> None:
    reference = built_in_schemas()["io.k8s.api.rbac.v1.RoleRef"]
    assert reference.required == {"kind", "name"}
    assert reference.properties["apiGroup"].default == ""
    assert built_in_schemas()[CORE + "ConfigMap"].properties["metadata"].default == {}


def test_a_type_that_contains_itself_is_built_once() -> None:
    schema = built_in_schemas()[SCHEMA]
    assert schema.properties["not"].properties is schema.properties
    values = schema.properties["properties"].values
    assert values is not None
    assert values.properties is schema.properties


def test_kinds_and_names() -> None:
    assert schema_name("rbac.authorization.k8s.io", "v1", "Role") == "io.k8s.api.rbac.v1.Role"
    assert schema_name("", "v1", "Nope") == ""
    assert kinds_of(CORE + "Secret") == (("", "v1", "Secret"),)
    assert kinds_of(CORE + "EventSource") == ()


def test_a_name_there_is_not() -> None:
    with pytest.raises(KeyError):
        built_in_schemas()["io.k8s.api.core.v1.Nope"]
