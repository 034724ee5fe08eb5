"""What Tab offers behind the commands about APIs: exports, bindings, and the claims behind them.

`{p}` stands for the path of the provider's workspace, `{i}` for the identity of what one export offers and another
claims. The consumer has bound `claiming` as `b`, and `using` as `u`.
"""

import sys
from pathlib import Path

import pytest
from providing import APIS
from tab import offered

BIN = Path(sys.executable).parent
RBAC = "rbac.authorization.k8s.io"
OF_ROOT = ["cache", "migration", "shards.core", "tenancy", "topology"]
ROOT = [f"root:{name}.kcp.io" for name in OF_ROOT]
WIDGETS = "widgets.example.com"


@pytest.fixture
def consumer(provider, workspace):
    identity = provider.request("GET", f"{APIS}/apiexports/claiming")[1]["status"]["identityHash"]
    claim = {"group": "example.com", "resource": "widgets", "verbs": ["get"], "identityHash": identity}
    export = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIExport",
        "metadata": {"name": "using"},
        "spec": {"permissionClaims": [claim]},
    }
    assert provider.request("POST", f"{APIS}/apiexports", export)[0] == 201
    for name, export in (("b", "claiming"), ("u", "using")):
        workspace.kubectl("kcp", "bind", "apiexport", f"{provider.path}:{export}", "--name", name)
    workspace.kubectl("kcp", "claims", "accept", "b", "--resource", "configmaps")
    return workspace, {"p": provider.path, "i": identity}


def asked(place, typed, names, program=("manifold", "__complete")):
    first = [str(BIN / program[0]), *program[1:]]
    return offered([*first, *typed.format(**names).split(" ")], place.kubeconfig)


def default_bindings(place):
    listed = place.request("GET", f"{APIS}/apibindings")[1]["items"]
    return [one["metadata"]["name"] for one in listed if one["metadata"]["name"] not in ("b", "u")]


ANSWERS = [
    ("bind apiexport root:t", ROOT[3:]),
    ("bind apiexport {p}:", ["{p}:claiming", "{p}:plain", "{p}:using"]),
    ("bind apiexport :{p}:cl", [":{p}:claiming"]),
    ("bind apiexport {p}:nothing", []),
    ("bind apiexport *:", []),
    ("bind apiexport {p}:plain ", []),
    ("bind apiexport -- root:t", []),
    ("bind apiexport {p}:claiming --accept-permission-claim ", ["configmaps", "secrets"]),
    ("bind apiexport {p}:claiming --reject-permission-claim=sec", ["secrets"]),
    ("bind apiexport {p}:claiming --accept-permission-claim secrets,", ["secrets,configmaps"]),
    ("bind apiexport {p}:claiming --accept-permission-claim secrets --accept-permission-claim ", ["configmaps"]),
    ("bind apiexport {p}:using --accept-permission-claim w", [WIDGETS]),
    ("bind apiexport {p}:absent --accept-permission-claim ", []),
    ("bind apiexport --accept-permission-claim ", []),
    ("claims get apibinding ", ["b", "DEFAULT", "u"]),
    ("claims accept ", ["b", "DEFAULT", "u"]),
    ("claims reject u", ["u"]),
    ("claims diff b", ["b"]),
    ("claims all b ", []),
    ("claims accept b --resource ", ["configmaps", "secrets"]),
    ("claims accept b --resource configmaps,", ["configmaps,secrets"]),
    ("claims reject u --resource=", [WIDGETS]),
    ("claims accept --resource ", ["configmaps", "secrets", WIDGETS]),
    ("claims accept absent --resource ", []),
    ("claims accept u --identity-hash ", ["{i}"]),
    ("claims accept b --identity-hash ", []),
    ("apis -o ", ["json", "name"]),
    ("apis --from :ro", [":root"]),
    ("crd snapshot -o ", ["json", "yaml"]),
]


def test_answers(consumer):
    place, names = consumer
    for typed, words in ANSWERS:
        wanted = [word.format(**names) for word in words if word != "DEFAULT"]
        wanted += default_bindings(place) if "DEFAULT" in words else []
        found, _ = asked(place, typed, names)
        assert (typed, sorted(found)) == (typed, sorted(wanted))
    found, told = asked(place, "bind apiexport ", names)
    assert (found[: len(ROOT)], told) == (ROOT, ":4")
    assert set(found[len(ROOT) :]) == {f"{names['p']}:{name}" for name in ("claiming", "plain", "using")}


def test_behind_kubectl_and_from_elsewhere(consumer):
    place, names = consumer
    program = ("kubectl_complete-kcp",)
    assert asked(place, "claims get apibinding u", names, program) == (["u"], ":4")
    assert asked(place, "bind apiexport {p}:pl", names, program) == (["{p}:plain".format(**names)], ":4")
    elsewhere = f"-w :root:{place.name}"
    names = {**names, "w": elsewhere}
    assert asked(place, "claims {w} diff u", names, program)[0] == ["u"]
    assert asked(place, "claims diff u -w :root", names, program)[1] == ":6"


def test_what_one_may_not_bind_is_not_offered(consumer):
    """Alice may enter the provider's workspace, and bind one of its exports; of hers she may read the bindings."""
    place, names = consumer
    provider_path = names["p"]
    rules = [
        {"nonResourceURLs": ["/"], "verbs": ["access"]},
        {"apiGroups": ["apis.kcp.io"], "resources": ["apiexports"], "verbs": ["bind"], "resourceNames": ["plain"]},
        {"apiGroups": ["apis.kcp.io"], "resources": ["apiexports"], "verbs": ["list", "get"]},
    ]
    mine = [
        {"nonResourceURLs": ["/"], "verbs": ["access"]},
        {"apiGroups": ["apis.kcp.io"], "resources": ["apibindings"], "verbs": ["list", "get"]},
    ]
    for path, granted in ((provider_path, rules), (place.path, mine)):
        role = {"metadata": {"name": "alice"}, "rules": granted}
        subject = {"apiGroup": RBAC, "kind": "User", "name": "alice"}
        binding = {
            "metadata": {"name": "alice"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "alice"},
            "subjects": [subject],
        }
        for resource, body in (("clusterroles", role), ("clusterrolebindings", binding)):
            status, found = place.server.request("POST", f"/clusters/{path}/apis/{RBAC}/v1/{resource}", body)
            assert status == 201, found
    other = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "other"}}
    assert place.server.request("POST", f"/clusters/{provider_path}{APIS}/apiexports", other)[0] == 201
    assert asked(place, "bind apiexport {p}:o", names)[0] == [f"{provider_path}:other"]
    bound_or_bindable = {f"{provider_path}:{name}" for name in ("claiming", "plain", "using")}
    assert set(asked(place, "bind apiexport --user alice {p}:", names)[0]) == bound_or_bindable
    assert asked(place, "bind apiexport --user bob {p}:", names) == ([], ":4")
    assert asked(place, "claims get apibinding --user alice u", names)[0] == ["u"]
    assert asked(place, "claims get apibinding --user bob u", names) == ([], ":4")


def test_nothing_where_nobody_can_be_asked(workspace, tmp_path):
    gone = tmp_path / "gone"
    gone.write_text(workspace.kubeconfig.read_text().replace(f":{workspace.server.port}/", ":1/"))
    for typed in ("bind apiexport ", "claims diff ", "claims accept b --resource "):
        program = [str(BIN / "kubectl_complete-kcp"), *typed.split(" ")]
        assert offered(program, gone) == ([], ":4")
        assert offered(program, tmp_path / "missing") == ([], ":4")
