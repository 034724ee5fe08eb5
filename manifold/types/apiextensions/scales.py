"""The scale subresource of custom types: an autoscaling/v1 Scale as a view of one number of the object.

Where that number, the number of replicas there are and the label selector lie in the object is what its definition
says, as paths of names (Kubernetes docs, "Scale subresource").
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from manifold.base import names
from manifold.base.errors import StatusError, internal
from manifold.base.fields import FieldError
from manifold.schema.loading import built_in_schemas
from manifold.schema.model import Node
from manifold.schema.typed import TypedCodec
from manifold.types.apiextensions.instances import CustomStrategy
from manifold.types.apiextensions.scale_fields import split_path
from manifold.types.declaring import AGE_TEXT, NAME, age_cell
from manifold.types.resource import Column, Object, ResourceType
from manifold.types.strategies import PlainStrategy

GROUP, VERSION, KIND = "autoscaling", "v1", "Scale"
_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _replicas_cell(part: str) -> Callable[[Object, datetime], int]:
    def cell(scale: Object, now: datetime) -> int:
        replicas: int = scale[part].get("replicas", 0)
        return replicas

    return cell


@cache
def scale_type() -> ResourceType:
    """What a Scale is: never stored, and of no resource of its own, but decoded, patched and shown like any object."""
    text = Node("string", go="string")
    number = Node("integer", format="int32", go="int32")
    schema = Node("object", go="v1.Scale")
    schema.properties.update(
        kind=text,
        apiVersion=text,
        metadata=built_in_schemas()["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"],
        spec=Node("object", {"replicas": number}, go="v1.ScaleSpec"),
        status=Node("object", {"replicas": number, "selector": text}, go="v1.ScaleStatus"),
    )
    return ResourceType(
        group=GROUP,
        version=VERSION,
        resource="scales",
        singular="scale",
        kind=KIND,
        namespaced=True,
        schema=schema,
        schema_name="io.k8s.api.autoscaling.v1.Scale",
        codec=TypedCodec(schema, KIND, VERSION),
        strategy=PlainStrategy(),
        check_name=names.subdomain_name,
        columns=(
            NAME,
            Column("Desired", _replicas_cell("spec"), "integer", description="How many replicas are wanted"),
            Column("Available", _replicas_cell("status"), "integer", description="How many replicas there are"),
            Column("Age", age_cell, "date", description=AGE_TEXT),
        ),
    )


class CustomScale:
    """The scale of one version of a type. `declared` is its CustomResourceSubresourceScale."""

    __slots__ = ("_selector", "_spec", "_spec_path", "_status", "_strategy")

    def __init__(self, declared: Object, strategy: CustomStrategy) -> None:
        self._spec_path = str(declared["specReplicasPath"])
        self._spec = split_path(self._spec_path)
        self._status = split_path(str(declared["statusReplicasPath"]))
        self._selector = split_path(str(declared.get("labelSelectorPath") or ""))
        self._strategy = strategy

    def missing(self, obj: Object) -> StatusError | None:
        """The 500 of reading the scale of an object that does not say how many replicas are wanted."""
        if type(_at(obj, self._spec)) is int:
            return None
        return internal(f'the spec replicas field "{self._spec_path}" does not exist')

    def read(self, obj: Object) -> Object:
        """The Scale of an object; numbers that are not there are 0."""
        metadata = {name: obj["metadata"][name] for name in _SHOWN if name in obj["metadata"]}
        wanted, there, selector = _at(obj, self._spec), _at(obj, self._status), _at(obj, self._selector)
        spec: Object = {"replicas": wanted} if type(wanted) is int and wanted else {}
        status: Object = {"replicas": there if type(there) is int else 0}
        if self._selector and type(selector) is str and selector:
            status["selector"] = selector
        return {
            "kind": KIND,
            "apiVersion": f"{GROUP}/{VERSION}",
            "metadata": metadata,
            "spec": spec,
            "status": status,
        }

    def write(self, obj: Object, replicas: int) -> None:
        """Say in an object how many replicas are wanted. What is in the way is replaced."""
        holder = obj
        for name in self._spec[:-1]:
            inner = holder.get(name)
            if type(inner) is not dict:
                inner = holder[name] = {}
            holder = inner
        holder[self._spec[-1]] = replicas

    def prepare_update(self, new: Object, old: Object) -> None:
        """Nothing: only the number is ever written through this subresource."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with the object as a whole."""
        return self._strategy.validate_update(new, old)


def _at(obj: Object, names: list[str]) -> Any:
    value: Any = obj
    for name in names:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value
