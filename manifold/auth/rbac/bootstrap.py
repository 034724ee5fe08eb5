"""The policy a server starts with: what Kubernetes and kcp grant out of the box, and what `root` holds.

The facts (names, rules, who is bound) are a data file; this module turns them into objects, which the server writes
into the logical clusters `system:admin` and `root` at its first start (sections 1.9 and 4.5 of the tenancy
reference). Aggregated roles are computed, so that a rule stands in the file once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from manifold.auth.names import RBAC_GROUP
from manifold.auth.rbac.policy import Binding, Policy, compile_policy, compile_rules, parse_binding
from manifold.base.user import AUTHENTICATED

_API_VERSION = f"{RBAC_GROUP}/v1"
_AGGREGATE = f"{RBAC_GROUP}/aggregate-to-"
_HOME_CREATORS = "Group <home-creators>"
_FIELDS = {
    "verbs": "verbs",
    "groups": "apiGroups",
    "resources": "resources",
    "names": "resourceNames",
    "paths": "nonResourceURLs",
}


def _data(cluster: str) -> dict[str, Any]:
    text = files("manifold.auth").joinpath("data/bootstrap_policy.json").read_bytes()
    content: dict[str, Any] = orjson.loads(text)[cluster]
    return content


def _metadata(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if entry.get("kubernetes"):
        metadata["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
        metadata["annotations"] = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    if "part_of" in entry:
        metadata["labels"][_AGGREGATE + entry["part_of"]] = "true"
    if "replicate" in entry:
        metadata["annotations"] = {"internal.kcp.io/replicate": ",".join(entry["replicate"])}
    return metadata


def _rules(roles: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entry = roles[name]
    if "aggregates" not in entry:
        return [{_FIELDS[key]: values for key, values in rule.items()} for rule in entry["rules"]]
    rules: list[dict[str, Any]] = []
    for part in sorted(roles):
        if roles[part].get("part_of") == entry["aggregates"]:
            rules += [rule for rule in _rules(roles, part) if rule not in rules]
    return rules


def _role(roles: dict[str, Any], name: str) -> dict[str, Any]:
    entry = roles[name]
    role: dict[str, Any] = {"apiVersion": _API_VERSION, "kind": "ClusterRole", "metadata": _metadata(name, entry)}
    role["rules"] = _rules(roles, name)
    if "aggregates" in entry:
        selector = {"matchLabels": {_AGGREGATE + entry["aggregates"]: "true"}}
        role["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return role


def _subject(text: str) -> dict[str, str]:
    kind, _, name = text.partition(" ")
    if kind != "ServiceAccount":
        return {"kind": kind, "apiGroup": RBAC_GROUP, "name": name}
    namespace, _, name = name.partition("/")
    return {"kind": kind, "name": name, "namespace": namespace}


def _binding(name: str, entry: dict[str, Any], home_creators: Sequence[str]) -> dict[str, Any]:
    subjects: list[dict[str, str]] = []
    for text in entry["subjects"]:
        named = [f"Group {group}" for group in home_creators] if text == _HOME_CREATORS else [text]
        subjects += [_subject(item) for item in named]
    binding: dict[str, Any] = {
        "apiVersion": _API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name, entry),
    }
    if subjects:
        binding["subjects"] = subjects
    binding["roleRef"] = {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": entry["role"]}
    return binding


def _objects(cluster: str, home_creators: Sequence[str] = ()) -> list[dict[str, Any]]:
    data = _data(cluster)
    roles = [_role(data["roles"], name) for name in data["roles"]]
    return roles + [_binding(name, entry, home_creators) for name, entry in data["bindings"].items()]


def bootstrap_objects() -> list[dict[str, Any]]:
    """The ClusterRoles and ClusterRoleBindings of `system:admin`, without uid, creation time and cluster annotation.

    New objects at each call; the caller owns them.
    """
    return _objects("system:admin")


def root_policy_objects(home_creator_groups: Sequence[str] = (AUTHENTICATED,)) -> list[dict[str, Any]]:
    """The same for `root`. `home_creator_groups` may create home workspaces."""
    return _objects("root", home_creator_groups)


@cache
def bootstrap_policy() -> Policy:
    """The policy of `bootstrap_objects`, compiled once: what holds until they have been written."""
    roles, bindings = {}, list[Binding]()
    for obj in bootstrap_objects():
        name = obj["metadata"]["name"]
        if obj["kind"] == "ClusterRole":
            roles[name] = compile_rules(obj["rules"])
        else:
            bindings.append(parse_binding(obj, name, ""))
    return compile_policy(roles, {}, bindings, {})
