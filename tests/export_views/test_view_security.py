"""What must not be possible through the view of an export, each by its name."""

import base64
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from provider_world import BINDINGS, CONFIGMAPS, IN_DEFAULT, accepted, claim, config_map, wait_for, widget

RBAC = "/apis/rbac.authorization.k8s.io/v1"
HERE = "/apis/example.io/v1/namespaces/default/widgets"
GADGETS = "/apis/example.io/v1/namespaces/default/gadgets"


def service_account(workspace, name="default"):
    """The token of a service account, as a header."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/default/serviceaccounts/{name}/token"
    status, made = workspace.request("POST", path, body)
    assert status == 201, made
    return {"Authorization": f"Bearer {made['status']['token']}"}


def binding_to(workspace, export, name="made"):
    return {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": name},
        "spec": {"reference": {"export": {"path": workspace.path, "name": export}}},
    }


def test_a_service_account_binds_through_a_view_only_what_it_may_bind(world):
    """Its name is that of accounts in every workspace: rights of a namesake elsewhere are not its own."""
    account = "system:serviceaccount:default:default"
    wanted = claim("apibindings", "apis.kcp.io")
    world.export(claims=[wanted])
    world.export("more", schemas=[])
    world.let_in(account)
    stranger, consumer = world.consumer(), world.consumer()
    world.export("secret", schemas=[], where=stranger)
    rule = {"apiGroups": ["apis.kcp.io"], "resources": ["apiexports"], "verbs": ["bind"]}
    world.grant(world.provider, account, [rule])
    world.grant(stranger, account, [rule])  # to the stranger's own account of that name
    world.bind(consumer, claims=[accepted(wanted)])
    token = service_account(world.provider)

    def send(body):
        path = world.view(consumer.cluster) + BINDINGS
        return world.server.request("POST", path, body, user="", headers=token)

    status, made = send(binding_to(world.provider, "more"))
    assert (status, made["status"]["phase"]) == (201, "Bound"), made
    status, refused = send(binding_to(stranger, "secret", "other"))
    assert status == 403
    assert "no permission to bind to export" in refused["message"]
    for other in (stranger, consumer):  # a namesake has no right to the content of the export
        headers = service_account(other)
        for cluster in ("*", consumer.cluster):
            path = world.view(cluster) + BINDINGS
            assert world.server.request("GET", path, user="", headers=headers)[0] == 403


def test_admission_is_not_skipped_on_a_view(world):
    kinds = [("namespaces", ""), ("configmaps", ""), ("logicalclusters", "core.kcp.io")]
    claims = [claim(name, group) for name, group in kinds]
    world.export(claims=claims)
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(one) for one in claims])
    view = world.view(consumer.cluster)
    status, found = world.send("DELETE", f"{view}/api/v1/namespaces/default")
    assert (status, found["message"]) == (403, 'namespaces "default" is forbidden: this namespace may not be deleted')
    status, found = world.send("POST", f"{view}/api/v1/namespaces/absent/configmaps", config_map("one"))
    assert (status, found["message"]) == (404, 'namespaces "absent" not found')
    status, found = world.send("DELETE", f"{view}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster")
    assert status == 403
    assert "LogicalCluster cannot be deleted" in found["message"]
    status, found = world.send("POST", view + HERE, {**widget("one"), "extra": {"field": 1}})
    assert status == 201
    assert "extra" not in found
    status, found = world.send("POST", view + HERE, widget("two", annotations={"kcp.io/path": "root:elsewhere"}))
    assert status == 403
    for path in ("/api/v1/namespaces/default/finalize", f"{IN_DEFAULT}/one/status"):
        assert world.send("PUT", view + path, {})[0] == 404


def test_no_token_of_a_consumers_service_account_is_issued_through_a_view(world):
    wanted = claim("serviceaccounts")
    world.export(claims=[wanted], schemas=[])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = "/api/v1/namespaces/default/serviceaccounts/default"
    assert world.send("GET", world.view(consumer.cluster) + path)[0] == 200
    assert world.send("POST", f"{world.view(consumer.cluster)}{path}/token", body)[0] == 404


@pytest.fixture
def foreign(world):
    """Gadgets of another provider, under a policy of its own, claimed by the first one."""
    owner, consumer = world.consumer(), world.consumer()
    gadgets = world.schema(plural="gadgets", where=owner)
    made = world.export("gadgets", schemas=[gadgets], where=owner, maximalPermissionPolicy={"local": {}})
    wanted = claim("gadgets", "example.io", identity=made["status"]["identityHash"])
    world.export(claims=[wanted])
    world.let_in()
    world.bind(consumer, "g", "gadgets", where=owner)
    world.bind(consumer, claims=[accepted(wanted)])
    return owner, consumer


def test_nobody_gets_rights_through_another_providers_policy(world, foreign):
    """What is claimed of another export is bounded by what that one lets users of this name do."""
    owner, consumer = foreign
    gadget = {**widget("one"), "kind": "Gadget"}
    for cluster in ("*", consumer.cluster):
        path = world.view(cluster) + "/apis/example.io/v1/gadgets"
        assert world.send("GET", path)[0] == 403
    view = world.view(consumer.cluster) + GADGETS
    assert world.send("POST", view, gadget)[0] == 403
    rule = {"apiGroups": ["example.io"], "resources": ["gadgets"], "verbs": ["list", "watch", "create"]}
    world.grant(owner, "bob", [rule])  # a right of the user itself is not what a policy grants
    assert world.send("POST", view, gadget)[0] == 403
    name = world.grant(owner, "apis.kcp.io:binding:bob", [rule])
    assert world.send("POST", view, gadget)[0] == 201
    assert world.send("DELETE", f"{view}/one")[0] == 403
    everywhere = world.view() + "/apis/example.io/v1/gadgets"
    assert world.listed(everywhere) == [(consumer.cluster, "one")]
    watch = world.watch(everywhere + "?watch=1")
    assert watch.told() == ("ADDED", consumer.cluster, "one")
    assert owner.request("DELETE", f"{RBAC}/clusterrolebindings/{name}")[0] == 200
    assert watch.told() is None
    assert world.send("GET", everywhere)[0] == 403


def test_a_claim_on_one_identity_shows_nothing_of_another(world, foreign):
    """Two providers offer gadgets of the same name: a claim names whose."""
    owner, consumer = foreign
    rule = {"apiGroups": ["example.io"], "resources": ["gadgets"], "verbs": ["*"]}
    for user in ("bob", "kcp-admin"):
        world.grant(owner, f"apis.kcp.io:binding:{user}", [rule])
    twin, other = world.consumer(), world.consumer()
    gadgets = world.schema(plural="gadgets", where=twin)
    world.export("gadgets", schemas=[gadgets], where=twin)
    world.bind(other, "g", "gadgets", where=twin)
    _, found = world.provider.request("GET", "/apis/apis.kcp.io/v1alpha2/apiexports/ex")
    wanted = found["spec"]["permissionClaims"][0]
    world.bind(other, claims=[accepted(wanted)])
    gadget = {**widget("one"), "kind": "Gadget"}
    for one in (consumer, other):
        world.make(one, gadget, GADGETS)
    assert world.listed(world.view() + "/apis/example.io/v1/gadgets") == [(consumer.cluster, "one")]
    assert world.listed(world.view(other.cluster) + "/apis/example.io/v1/gadgets") == []
    assert world.send("POST", world.view(other.cluster) + GADGETS, {**gadget, "metadata": {"name": "two"}})[0] == 404


def test_a_provider_gives_rights_where_it_may_write_roles_and_nowhere_else(world):
    claims = [claim("clusterroles", "rbac.authorization.k8s.io")]
    world.export(claims=claims, schemas=[])
    world.let_in()
    consumer, other = world.consumer(), world.consumer()
    world.bind(consumer, claims=[accepted(one) for one in claims])
    world.bind(other)
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": rules,
    }
    status, made = world.send("POST", f"{world.view(consumer.cluster)}{RBAC}/clusterroles", role)
    assert status == 201, made
    for path in (world.view(other.cluster), f"/clusters/{consumer.path}", f"/clusters/{other.path}"):
        assert world.send("POST", f"{path}{RBAC}/clusterroles", role)[0] == 403


def test_history_knows_who_wrote(world):
    """The caller acts by its own name, also where rights of the consumer are not asked for."""
    wanted = claim("certificatesigningrequests", "certificates.k8s.io")
    world.export(claims=[wanted], schemas=[])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "one")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    request = base64.b64encode(asked.public_bytes(Encoding.PEM)).decode()
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "one"},
        "spec": {"request": request, "signerName": "example.io/one", "usages": ["digital signature"]},
    }
    path = f"{world.view(consumer.cluster)}/apis/certificates.k8s.io/v1/certificatesigningrequests"
    status, found = world.send("POST", path, body)
    assert status == 201, found
    assert found["spec"]["username"] == "bob"
    assert "warrant" not in str(found)
    assert world.send("GET", f"{path}/one/approval")[0] == 404


def test_a_workspace_that_is_gone_is_out_of_reach_at_once(world):
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    world.make(consumer, config_map("one"))
    consumer.delete()
    for path in (CONFIGMAPS, BINDINGS):
        assert world.listed(world.view() + path) == []
    for path in (IN_DEFAULT, HERE, BINDINGS):
        assert world.send("GET", world.view(consumer.cluster) + path)[0] == 403


def test_a_workspace_out_of_service_is_so_through_a_view(world):
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    path = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
    status, _ = world.patch(consumer, path, {"metadata": {"annotations": {"core.kcp.io/inactive": "true"}}})
    assert status == 200
    status, found = world.send("GET", world.view(consumer.cluster) + IN_DEFAULT)
    assert status == 403
    assert "marked inactive" in found["message"]


def test_nothing_is_written_by_a_binding_that_ends_meanwhile(world):
    """A write is let in by the binding as it is in the instant of the commit, so what it owes to the binding's objects
    is known, and goes with them.
    """
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    consumer = world.consumer()
    path = world.view(consumer.cluster) + IN_DEFAULT
    for round_number in range(12):
        world.bind(consumer, claims=[accepted(wanted)])
        made = world.make(consumer, widget("w"), HERE)
        owner = {"apiVersion": "example.io/v1", "kind": "Widget", "name": "w", "uid": made["metadata"]["uid"]}
        answers = []

        def write(round_number=round_number, owner=owner, answers=answers):
            for number in range(400):
                body = config_map(f"r{round_number}-{threading.get_ident()}-{number}")
                body["metadata"]["ownerReferences"] = [owner]
                answers.append(world.send("POST", path, body)[0])
                if answers[-1] != 201:
                    return

        writers = [threading.Thread(target=write) for _ in range(4)]
        for one in writers:
            one.start()
        wait_for(lambda answers=answers: len(answers) > 8)
        assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200
        for one in writers:
            one.join()
        assert set(answers) == {201, 403}
        wait_for(lambda: consumer.request("GET", f"{BINDINGS}/b")[0] == 404)

        def left():
            names = [one["metadata"]["name"] for one in consumer.request("GET", IN_DEFAULT)[1]["items"]]
            return [name for name in names if name != "kube-root-ca.crt"]

        wait_for(lambda left=left: not left())


def test_no_consumer_spoils_what_its_provider_reads_in_the_old_version(world):
    """What one version cannot say of the other stands in annotations, and everybody writes those of their own."""
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    one, other = world.consumer(), world.consumer()
    world.bind(one, claims=[accepted(wanted)])
    world.bind(other, claims=[accepted(wanted)])
    names = ("acceptable", "v1alpha1", "status-export", "v1alpha1-status-applied", "v1alpha1-status-export")
    forged = {f"apis.v1alpha2.kcp.io/{name}-permission-claims": '[{"resource":["configmaps"]}]' for name in names}
    status, made = world.patch(one, f"{BINDINGS}/b", {"metadata": {"annotations": forged}})
    assert status == 200, made
    older = BINDINGS.replace("v1alpha2", "v1alpha1")
    assert len(world.listed(world.view() + older)) == 2
    status, found = one.request("GET", f"{older}/b")
    assert (status, found["spec"]["permissionClaims"][0]["resource"]) == (200, "configmaps")
