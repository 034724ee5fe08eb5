"""The rules of workspaces and workspace types at every door: one verdict, in the same words."""

import pytest
from doors import Object, Verdict

TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
WORKSPACE = ("tenancy.kcp.io/v1alpha1", "Workspace")
TYPE = ("tenancy.kcp.io/v1alpha1", "WorkspaceType")
UNIVERSAL = {"with": [{"name": "universal", "path": "root"}]}
REF = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "namespace": "default"}


def places(workspace):
    return {"path": f"/clusters/{workspace.path}", "name": f"/clusters/{workspace.cluster}"}


def all_are(found, wanted):
    assert found == dict.fromkeys(found, wanted)


def make_type(workspace, name, **spec):
    body = {"apiVersion": TYPE[0], "kind": TYPE[1], "metadata": {"name": name}, "spec": {"extend": UNIVERSAL, **spec}}
    status, made = workspace.request("POST", TYPES, body)
    assert status == 201, made


CREATIONS = {
    "cluster": ({"cluster": "abc"}, "spec.Cluster can only be set by system privileged users"),
    "URL": ({"URL": "https://x"}, "spec.URL can only be set by system privileged users"),
    "mount without a kind": ({"mount": {"ref": {**REF, "kind": ""}}}, "spec.mount.kind must be set"),
    "mount without a name": ({"mount": {"ref": {**REF, "name": ""}}}, "spec.mount.name must be set"),
    "mount without a version": ({"mount": {"ref": {**REF, "apiVersion": ""}}}, "spec.mount.apiVersion must be set"),
    "mount with a type": (
        {"mount": {"ref": REF}, "type": {"name": "universal", "path": "root"}},
        "spec.type cannot be set for mounted workspaces",
    ),
    "unknown type": ({"type": {"name": "nope"}}, 'workspace type "nope" cannot be resolved'),
    "unknown type at a path": (
        {"type": {"name": "nope", "path": "root"}},
        'Internal error occurred: workspacetypes.tenancy.kcp.io "root:nope" not found',
    ),
    "a type without parents": (
        {"type": {"name": "orphan", "path": "{path}"}},
        "workspace type {path}:orphan cannot have any parent",
    ),
    "a type of other parents": (
        {"type": {"name": "picky", "path": "{path}"}},
        "workspace type {path}:picky only allows [root:team] parent workspaces, but parent type root:universal only "
        "implements [root:universal]",
    ),
    "a type that extends one of other parents": (
        {"type": {"name": "pickier", "path": "{path}"}},
        "workspace type {path}:pickier extends {path}:picky, which only allows [root:team] parent workspaces, but "
        "parent type root:universal only implements [root:universal]",
    ),
    "a circle of types": (
        {"type": {"name": "left", "path": "{path}"}},
        "circular dependency detected in workspace type {path}:left: {path}:left -> {path}:right -> {path}:left",
    ),
    "a type without its base": (
        {"type": {"name": "baseless", "path": "{path}"}},
        "unable to find inherited workspace type nope",
    ),
}


def filled(value, path):
    """A table's value with the path of the workspace in it."""
    if isinstance(value, dict):
        return {key: filled(one, path) for key, one in value.items()}
    return value.replace("{path}", path) if isinstance(value, str) else value


@pytest.fixture
def typed(workspace):
    """A workspace with types nobody can use in it."""
    here = workspace.path
    make_type(workspace, "orphan", limitAllowedParents={"none": True})
    make_type(workspace, "picky", limitAllowedParents={"types": [{"name": "team", "path": "root"}]})
    make_type(workspace, "pickier", extend={"with": [{"name": "picky", "path": here}]})
    make_type(workspace, "left", extend={"with": [{"name": "right", "path": here}]})
    make_type(workspace, "right", extend={"with": [{"name": "left", "path": here}]})
    make_type(workspace, "baseless", extend={"with": [{"name": "nope", "path": "root"}]})
    return workspace


def test_workspaces_that_cannot_be_made(typed):
    for rule, (spec, text) in CREATIONS.items():
        thing = Object(typed.server, places(typed), WORKSPACES, WORKSPACE, "w")
        found = thing.creations({"spec": filled(spec, typed.path)})
        assert found == dict.fromkeys(found, Verdict(403, filled(text, typed.path))), rule
    assert typed.request("GET", WORKSPACES)[1]["items"] == []


def test_a_parent_that_allows_other_children(workspace, tmp_path):
    make_type(workspace, "strict", limitAllowedChildren={"types": [{"name": "team", "path": "root"}]})
    make_type(workspace, "barren", limitAllowedChildren={"none": True})
    make_type(workspace, "silent", defaultChildWorkspaceType={"name": "nope", "path": "root"})
    texts = {
        "strict": "workspace type {path}:strict only allows [root:team] child workspaces, but child type "
        "root:universal only implements [root:universal]",
        "barren": "workspace type {path}:barren cannot have any child",
    }
    for name in ("strict", "barren", "silent"):
        spec = {"type": {"name": name, "path": workspace.path}}
        body = {"apiVersion": WORKSPACE[0], "kind": WORKSPACE[1], "metadata": {"name": name}, "spec": spec}
        status, made = workspace.request("POST", WORKSPACES, body)
        assert status == 201, made
        inside = {"path": f"/clusters/{workspace.path}:{name}", "name": f"/clusters/{made['spec']['cluster']}"}
        thing = Object(workspace.server, inside, WORKSPACES, WORKSPACE, "w")
        if name == "silent":
            text = 'Internal error occurred: workspacetypes.tenancy.kcp.io "root:nope" not found'
            all_are(thing.creations({"spec": {}}), Verdict(403, text))
            continue
        spec = {"type": {"name": "universal", "path": "root"}}
        all_are(thing.creations({"spec": spec}), Verdict(403, filled(texts[name], workspace.path)))


def test_a_type_one_may_not_use(workspace):
    make_type(workspace, "mine")
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "alice"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    }
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    child = workspace.server.create_workspace("child", parent=workspace.path, directory=workspace.directory)
    assert child.request("POST", bindings, binding)[0] == 201
    thing = Object(workspace.server, places(child), WORKSPACES, WORKSPACE, "w", user="alice")
    text = f"unable to use workspace type {workspace.path}:mine: missing verb='use' permission on workspacetype"
    all_are(thing.creations({"spec": {"type": {"name": "mine"}}}), Verdict(403, text))


UPDATES = {
    "type's name": (
        {"spec": {"type": {"name": "other"}}},
        Verdict(422, 'spec.type: Invalid value: {"name":"other","path":"root"}: name is immutable'),
    ),
    "type's path": (
        {"spec": {"type": {"path": "root:x"}}},
        Verdict(422, 'spec.type: Invalid value: {"name":"universal","path":"root:x"}: path is immutable'),
    ),
    "no type": ({"spec": {"type": None}}, Verdict(403, "spec.type is immutable")),
    "cluster": ({"spec": {"cluster": "abc"}}, Verdict(422, 'spec.cluster: Invalid value: "abc": cluster is immutable')),
    "URL": ({"spec": {"URL": "https://x"}}, Verdict(403, "spec.URL can only be changed by system privileged users")),
    "a mount, later": ({"spec": {"mount": {"ref": REF}}}, Verdict(403, "spec.mount is immutable")),
}


def test_what_cannot_be_changed_of_a_workspace(workspace):
    child = workspace.server.create_workspace("w", parent=workspace.path, directory=workspace.directory)
    thing = Object(workspace.server, places(workspace), WORKSPACES, WORKSPACE, "w")
    for rule, (change, wanted) in UPDATES.items():
        found = {how: Verdict(one.code, one.text) for how, one in thing.updates(change).items()}
        assert {one.code for one in found.values()} == {wanted.code}, (rule, found)
        assert all(_words(one.text) == _words(wanted.text) for one in found.values()), (rule, found)
    for field in ("cluster", "URL"):
        found = thing.updates({"spec": {field: None}})
        assert {one.code for one in found.values()} == {422}, found
        assert all(one.text.endswith(f"{field} cannot be unset") for one in found.values()), found
    assert child.request("GET", "/api")[0] == 200


def _words(text):
    """A text without the value it shows, whose members come in no order."""
    return (text.partition("Invalid value")[0], text.rpartition(": ")[2])


def test_what_cannot_be_changed_of_a_mount(workspace):
    body = {"apiVersion": WORKSPACE[0], "kind": WORKSPACE[1], "metadata": {"name": "m"}}
    body["spec"] = {"mount": {"ref": REF}}
    status, made = workspace.request("POST", WORKSPACES, body)
    assert status == 201, made
    thing = Object(workspace.server, places(workspace), WORKSPACES, WORKSPACE, "m")
    for field in ("kind", "name", "namespace", "apiVersion"):
        found = thing.updates({"spec": {"mount": {"ref": {field: "other"}}}})
        assert {one.code for one in found.values()} == {422}, found
        assert all(one.text.endswith("mount is immutable") for one in found.values()), found


def test_the_phase_of_a_workspace_is_nobodys_to_write(workspace):
    workspace.server.create_workspace("w", parent=workspace.path, directory=workspace.directory)
    thing = Object(workspace.server, places(workspace), WORKSPACES, WORKSPACE, "w")
    for part in ("", "/status"):
        all_are(thing.updates({"status": {"phase": "Scheduling"}}, part), Verdict(200))
        assert thing.live(thing.places["path"])["status"]["phase"] == "Ready"


TYPE_CREATIONS = {
    ("any", ""): 'metadata.name: Invalid value: "any": name is reserved',
    ("system", ""): 'metadata.name: Invalid value: "system": name is reserved',
    ("root", ""): "root workspace type can only be created in root cluster",
    ("t", "defaultChildWorkspaceType"): ".spec.defaultChildWorkspaceType.path must be set",
    ("t", "limitAllowedChildren"): ".spec.limitAllowedChildren.types[0].path must be set",
    ("t", "limitAllowedParents"): ".spec.limitAllowedParents.types[0].path must be set",
    ("t", "defaultAPIBindings"): (
        "unable to create or update WorkspaceType: no permission to bind to export root:nowhere:x"
    ),
}
SPECS = {
    "": {},
    "defaultChildWorkspaceType": {"defaultChildWorkspaceType": {"name": "x"}},
    "limitAllowedChildren": {"limitAllowedChildren": {"types": [{"name": "x"}]}},
    "limitAllowedParents": {"limitAllowedParents": {"types": [{"name": "x"}]}},
    "defaultAPIBindings": {"defaultAPIBindings": [{"path": "root:nowhere", "export": "x"}]},
}


def test_types_that_cannot_be_made(workspace):
    for (name, spec), text in TYPE_CREATIONS.items():
        thing = Object(workspace.server, places(workspace), TYPES, TYPE, name)
        found = thing.creations({"spec": SPECS[spec]})
        assert found == dict.fromkeys(found, Verdict(403, text)), (name, spec)


def test_what_a_type_cannot_become(workspace):
    make_type(workspace, "t")
    thing = Object(workspace.server, places(workspace), TYPES, TYPE, "t")
    for (name, spec), text in TYPE_CREATIONS.items():
        if name != "t":
            continue
        change = {"spec": SPECS[spec]}
        if spec == "defaultChildWorkspaceType":
            change = {"spec": {spec: {"name": "x", "path": None}}}
        found = thing.updates(change)
        assert found == dict.fromkeys(found, Verdict(403, text)), spec
