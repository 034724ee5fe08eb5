"""Workspace types: who may make which, and what the server says of them."""

import pytest

TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
UNIVERSAL = {"with": [{"name": "universal", "path": "root"}]}


def workspace_type(name, **spec):
    return {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": name}, "spec": spec}


def workspace_of(name, type_name, path):
    spec = {"type": {"name": type_name, "path": path}}
    return {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}


def test_status_is_in_the_answer(server, workspace):
    status, made = workspace.request("POST", TYPES, workspace_type("init", initializer=True, extend=UNIVERSAL))
    assert status == 201, made
    assert made["metadata"]["annotations"]["kcp.io/path"] == workspace.path
    assert made["spec"]["defaultChildWorkspaceType"] == {"name": "universal", "path": "root"}
    assert [(one["type"], one["status"]) for one in made["status"]["conditions"]] == [
        ("Ready", "True"),
        ("VirtualWorkspaceURLsReady", "True"),
    ]
    base = f"{server.url}/services"
    assert made["status"]["virtualWorkspaces"] == [
        {"type": "initializing", "url": f"{base}/initializingworkspaces/{workspace.cluster}:init"},
        {"type": "terminating", "url": f"{base}/terminatingworkspaces/{workspace.cluster}:init"},
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (workspace_type("root"), "root workspace type can only be created in root cluster"),
        (workspace_type("any"), 'metadata.name: Invalid value: "any": name is reserved'),
        (workspace_type("system"), 'metadata.name: Invalid value: "system": name is reserved'),
        (
            workspace_type("t", defaultChildWorkspaceType={"name": "x"}),
            ".spec.defaultChildWorkspaceType.path must be set",
        ),
        (
            workspace_type("t", limitAllowedParents={"types": [{"name": "x"}]}),
            ".spec.limitAllowedParents.types[0].path must be set",
        ),
        (
            workspace_type("t", defaultAPIBindings=[{"path": "root:nowhere", "export": "x"}]),
            "unable to create or update WorkspaceType: no permission to bind to export root:nowhere:x",
        ),
    ],
)
def test_refused(workspace, body, text):
    status, found = workspace.request("POST", TYPES, body)
    assert status == 403, found
    assert found["message"] == f'workspacetypes.tenancy.kcp.io "{body["metadata"]["name"]}" is forbidden: {text}'


@pytest.mark.parametrize(
    "spec",
    [
        {"extend": {"with": [{"name": "nope", "path": "root"}]}},
        {"defaultChildWorkspaceType": {"name": "nope", "path": "root"}},
        {"defaultAPIBindings": [{"path": "root", "export": "nope"}], "extend": UNIVERSAL},
    ],
)
def test_what_a_type_refers_to_need_not_exist(workspace, spec):
    status, made = workspace.request("POST", TYPES, workspace_type("t", **spec))
    assert status == 201, made


def test_only_new_default_bindings_need_the_right_to_bind(server, workspace):
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "alice"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    }
    status, found = workspace.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    assert status == 201, found
    bindings = [{"path": "root", "export": "migration.kcp.io"}]
    refused = workspace.request("POST", TYPES, workspace_type("t", defaultAPIBindings=bindings), user="alice")
    assert refused[0] == 403
    assert "no permission to bind to export root:migration.kcp.io" in refused[1]["message"]
    status, made = workspace.request("POST", TYPES, workspace_type("t", defaultAPIBindings=bindings))
    assert status == 201, made
    made["spec"]["additionalWorkspaceLabels"] = {"a": "b"}
    assert workspace.request("PUT", f"{TYPES}/t", made, user="alice")[0] == 200
    status, made = workspace.request("GET", f"{TYPES}/t")
    made["spec"]["defaultAPIBindings"].append({"path": "root", "export": "shards.core.kcp.io"})
    status, found = workspace.request("PUT", f"{TYPES}/t", made, user="alice")
    assert status == 403
    assert "no permission to bind to export root:shards.core.kcp.io" in found["message"]


def test_workspace_of_a_broken_type_is_refused(workspace):
    broken = workspace_type("t", extend={"with": [{"name": "nope", "path": "root"}]})
    assert workspace.request("POST", TYPES, broken)[0] == 201
    status, found = workspace.request("POST", WORKSPACES, workspace_of("w", "t", workspace.path))
    assert status == 403
    assert found["message"] == (
        'workspaces.tenancy.kcp.io "w" is forbidden: unable to find inherited workspace type nope'
    )


def test_a_long_chain_of_types(workspace):
    """As many as somebody likes to write, each of which extends the one before it."""
    assert workspace.request("POST", TYPES, workspace_type("t0", extend=UNIVERSAL, initializer=True))[0] == 201
    for number in range(1, 1100):
        bases = {"with": [{"name": f"t{number - 1}", "path": workspace.path}]}
        assert workspace.request("POST", TYPES, workspace_type(f"t{number}", extend=bases))[0] == 201
    status, made = workspace.request("POST", WORKSPACES, workspace_of("w", "t1099", workspace.path))
    assert status == 201, made
    assert made["status"]["initializers"] == [f"{workspace.cluster}:t0"]


@pytest.mark.parametrize("first", [(), ("left", "right"), ("right", "base")])
def test_what_a_type_extends_comes_before_it_and_once(workspace, first):
    """Also where workspaces of what it extends have been made before, whose types are remembered."""

    def make(name, *bases):
        extended = [*UNIVERSAL["with"], *({"name": base, "path": workspace.path} for base in bases)]
        body = workspace_type(name, initializer=True, extend={"with": extended})
        assert workspace.request("POST", TYPES, body)[0] == 201

    make("base")
    make("left", "base")
    make("right", "base")
    make("leaf", "right", "left")
    wanted = {"base": ["base"], "left": ["base", "left"], "right": ["base", "right"]}
    wanted["leaf"] = ["base", "right", "left", "leaf"]
    for name in (*first, "leaf"):
        status, made = workspace.request("POST", WORKSPACES, workspace_of(f"w-{name}", name, workspace.path))
        assert status == 201, made
        assert made["status"]["initializers"] == [f"{workspace.cluster}:{one}" for one in wanted[name]]


def test_workspace_whose_default_export_is_missing_waits_for_it(workspace):
    bindings = [{"path": "root", "export": "nope"}]
    wanted = workspace_type("t", defaultAPIBindings=bindings, extend=UNIVERSAL)
    assert workspace.request("POST", TYPES, wanted)[0] == 201
    status, made = workspace.request("POST", WORKSPACES, workspace_of("w", "t", workspace.path))
    assert (status, made["status"]["phase"]) == (201, "Initializing")
    assert made["status"]["initializers"] == ["system:apibindings"]
    told = {one["type"]: one for one in made["status"]["conditions"]}["WorkspaceInitialized"]
    assert told["message"] == "Initializers still exist: [system:apibindings]"
    cluster = made["spec"]["cluster"]
    path = f"/clusters/{cluster}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
    status, found = workspace.server.request("GET", path)
    assert status == 200, found
    told = {one["type"]: one for one in found["status"]["conditions"]}["APIBindingsInitialized"]
    assert (told["status"], told["reason"]) == ("False", "APIBindingErrors")
