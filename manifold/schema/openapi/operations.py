"""Paths and operations of a resource: OpenAPI's Path Item objects for one resource in one version.

Operation names, tags and actions are those by which client generators have named their functions for years
(`listCoreV1NamespacedConfigMap`, `x-kubernetes-action`), so they are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manifold.schema.openapi import parameters
from manifold.schema.openapi.components import META, reference
from manifold.schema.openapi.resources import Part, Resource

Operation = dict[str, Any]  # OpenAPI's Operation object
PathItem = dict[str, Any]

_JSON, _YAML, _PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_MERGE, _JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
_STRATEGIC, _APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
_STATUS = f"{META}Status"
_BODY_METHODS = {"create": "post", "update": "put", "patch": "patch", "get": "get"}
_OPERATION_WORDS = {"create": "create", "update": "replace", "patch": "patch", "get": "read"}
_ACTIONS = {"create": "post", "update": "put", "patch": "patch", "get": "get"}
_OPTIONS = {
    "create": parameters.CREATE,
    "update": parameters.UPDATE,
    "patch": parameters.PATCH,
    "get": (),
}


def group_words(group: str) -> str:
    """A group as operation names contain it: `Core`, `RbacAuthorization`, `ExampleCom`."""
    if not group:
        return "Core"
    words = group.removesuffix(".k8s.io").replace("-", ".").split(".")
    return "".join(word[:1].upper() + word[1:] for word in words)


def tag_of(group: str, version: str) -> str:
    """The tag of a group and version: `core_v1`, `rbacAuthorization_v1`."""
    words = group_words(group)
    return f"{words[0].lower()}{words[1:]}_{version}"


def base_path(group: str, version: str) -> str:
    """Where a group and version is served: `/api/v1`, `/apis/apps/v1`."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def path_items(resource: Resource) -> dict[str, PathItem]:
    """All paths of a resource and its subresources, in alphabetical order."""
    return _Paths(resource).items()


class _Paths:
    """The paths of one resource, while they are made."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        group, version = resource.group, resource.version
        self._stem = f"{group_words(group)}{version[:1].upper()}{version[1:]}"
        self._tag = tag_of(group, version)
        self._base = base_path(group, version)
        media = [_JSON, _PROTOBUF, _YAML] if resource.protobuf else [_JSON, _YAML]
        self._media = media
        streams = [f"{_JSON};stream=watch"]
        self._list_media = media[:1] + streams + media[1:]
        self._kind = {"group": group, "version": version, "kind": resource.kind}
        patches = [_JSON_PATCH, _MERGE, *([_STRATEGIC] if resource.strategic_merge else []), _APPLY]
        self._patch_media = patches
        self._scope = "Namespaced" if resource.namespaced else ""

    def items(self) -> dict[str, PathItem]:
        resource = self._resource
        found: dict[str, PathItem] = {}
        inside = f"{self._base}/namespaces/{{namespace}}" if resource.namespaced else self._base
        collection = f"{inside}/{resource.plural}"
        one = f"{collection}/{{name}}"
        verbs = set(resource.verbs)
        if resource.namespaced and "list" in verbs:
            found[f"{self._base}/{resource.plural}"] = self._item(
                {"get": self._list(f"list{self._stem}{resource.kind}ForAllNamespaces")}, with_namespace=False
            )
        self._add(found, collection, self._collection_operations(verbs))
        self._add(found, one, self._object_operations(verbs), named=True)
        for part in resource.parts:
            self._add(found, f"{one}/{part.name}", self._part_operations(part), named=True)
        if resource.custom is None and "watch" in verbs:
            self._add_watches(found)
        return dict(sorted(found.items()))

    def _collection_operations(self, verbs: set[str]) -> PathItem:
        kind, scope = self._resource.kind, self._scope
        operations: PathItem = {}
        if "list" in verbs:
            operations["get"] = self._list(f"list{self._stem}{scope}{kind}")
        if "create" in verbs:
            operations["post"] = self._write("create", f"create{self._stem}{scope}{kind}")
        if "deletecollection" in verbs:
            operations["delete"] = self._delete(
                "deletecollection", f"delete{self._stem}Collection{scope}{kind}", parameters.DELETE_COLLECTION
            )
        return operations

    def _object_operations(self, verbs: set[str]) -> PathItem:
        kind, scope = self._resource.kind, self._scope
        operations: PathItem = {}
        for verb in ("get", "update", "patch"):
            if verb in verbs:
                name = f"{_OPERATION_WORDS[verb]}{self._stem}{scope}{kind}"
                operations[_BODY_METHODS[verb]] = self._write(verb, name)
        if "delete" in verbs:
            operations["delete"] = self._delete("delete", f"delete{self._stem}{scope}{kind}", parameters.DELETE)
        return operations

    def _part_operations(self, part: Part) -> PathItem:
        operations: PathItem = {}
        suffix = "".join(word[:1].upper() + word[1:] for word in part.name.split("-"))
        for verb in part.verbs:
            name = f"{_OPERATION_WORDS[verb]}{self._stem}{self._scope}{self._resource.kind}{suffix}"
            kind = {"group": part.group, "version": part.version, "kind": part.kind}
            operations[_BODY_METHODS[verb]] = self._write(verb, name, part.schema_name, kind, part.name)
        return operations

    def _add(self, found: dict[str, PathItem], path: str, operations: PathItem, named: bool = False) -> None:
        if operations:
            found[path] = self._item(operations, named=named)

    def _item(self, operations: PathItem, *, named: bool = False, with_namespace: bool = True) -> PathItem:
        shared = []
        if named:
            shared.append(parameters.in_path("name", f"Name of the {self._resource.kind}."))
        if self._resource.namespaced and with_namespace:
            shared.append(parameters.NAMESPACE)
        return {**operations, "parameters": [*shared, parameters.PRETTY]}

    def _operation(
        self, action: str, name: str, summary: str, options: Iterable[parameters.Parameter], responses: dict[str, Any]
    ) -> Operation:
        return {
            "tags": [self._tag],
            "description": summary,
            "operationId": name,
            **({"parameters": list(options)} if options else {}),
            "responses": {**responses, "401": {"description": "Unauthorized"}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": self._kind,
        }

    def _list(self, name: str) -> Operation:
        answer = self._answer("OK", self._resource.list_schema_name, self._list_media)
        return self._operation(
            "list", name, f"list or watch {self._resource.kind} objects", parameters.LIST, {"200": answer}
        )

    def _write(
        self, verb: str, name: str, schema: str = "", kind: dict[str, str] | None = None, part: str = ""
    ) -> Operation:
        schema = schema or self._resource.schema_name
        what = f"{part} of a {self._resource.kind}" if part else f"a {self._resource.kind}"
        responses = {"200": self._answer("OK", schema, self._media)}
        if verb != "get":
            responses["201"] = self._answer("Created", schema, self._media)
        if verb == "create":
            responses["202"] = self._answer("Accepted", schema, self._media)
        operation = self._operation(_ACTIONS[verb], name, f"{_OPERATION_WORDS[verb]} {what}", _OPTIONS[verb], responses)
        if kind is not None:
            operation["x-kubernetes-group-version-kind"] = kind
        if verb == "patch":
            body = {media: {"schema": reference(f"{META}Patch")} for media in self._patch_media}
            operation["requestBody"] = {"content": body, "required": True}
        elif verb != "get":
            body = {media: {"schema": reference(schema)} for media in self._media}
            operation["requestBody"] = {"content": body, "required": True}
        return operation

    def _delete(self, action: str, name: str, options: Iterable[parameters.Parameter]) -> Operation:
        kind = self._resource.kind
        summary = f"delete {'all selected' if action == 'deletecollection' else 'a'} {kind}"
        responses = {"200": self._answer("OK", _STATUS, self._media)}
        if action == "delete":
            responses["202"] = self._answer("Accepted", _STATUS, self._media)
        operation = self._operation(action, name, summary, options, responses)
        body = {media: {"schema": reference(f"{META}DeleteOptions")} for media in self._media}
        operation["requestBody"] = {"content": body}
        return operation

    def _add_watches(self, found: dict[str, PathItem]) -> None:
        """The older URLs of a watch; a list with `watch` does the same."""
        resource = self._resource
        base = f"{self._base}/watch"
        wide = (f"watch{self._stem}{resource.kind}ListForAllNamespaces", f"{base}/{resource.plural}")
        if resource.namespaced:
            found[wide[1]] = self._watch_item("watchlist", wide[0], with_namespace=False)
            base += "/namespaces/{namespace}"
        stem = f"watch{self._stem}{self._scope}{resource.kind}"
        found[f"{base}/{resource.plural}"] = self._watch_item("watchlist", f"{stem}List")
        if "get" in resource.verbs:
            found[f"{base}/{resource.plural}/{{name}}"] = self._watch_item("watch", stem, named=True)

    def _watch_item(self, action: str, name: str, *, named: bool = False, with_namespace: bool = True) -> PathItem:
        answer = self._answer("OK", f"{META}WatchEvent", self._list_media)
        what = "changes of a" if action == "watch" else "changes of"
        summary = f"watch {what} {self._resource.kind}; the same as listing with `watch`"
        operation = self._operation(action, name, summary, (), {"200": answer})
        operation["deprecated"] = True
        item = self._item({"get": operation}, named=named, with_namespace=with_namespace)
        item["parameters"] = [*item["parameters"], *parameters.LIST]
        return item

    @staticmethod
    def _answer(description: str, schema: str, media: list[str]) -> dict[str, Any]:
        return {"description": description, "content": {kind: {"schema": reference(schema)} for kind in media}}
