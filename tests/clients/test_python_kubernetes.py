"""The Python client `kubernetes`: typed and dynamic clients, watches, informers, leader election, files."""

import os
import queue
import subprocess
import sys

import pytest
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import ADDED, DELETED, MODIFIED, SharedInformer
from planet_requests import FILES, planet, until

GROUP = ("astronomy.example.com", "v1", "default", "planets")


@pytest.fixture
def api(astronomy):
    """A client of the workspace, made of its kubeconfig."""
    with config.new_client_from_config(str(astronomy.kubeconfig)) as made:
        yield made


@pytest.fixture
def core(api):
    return client.CoreV1Api(api)


@pytest.fixture
def custom(api):
    return client.CustomObjectsApi(api)


CANDIDATE = """
from kubernetes import config
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

config.load_kube_config()
lock = LeaseLock("python", "default", "one")
leads = lambda: print("one leads", flush=True)
LeaderElection(Config(lock, lease_duration=4, renew_deadline=3, retry_period=1, onstarted_leading=leads,
                      onstopped_leading=None)).run()
"""


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def test_typed_objects(core):
    made = core.create_namespaced_config_map("default", config_map("colours", sky="blue"))
    assert made.metadata.creation_timestamp.tzinfo is not None
    made.data["sea"] = "green"
    core.replace_namespaced_config_map("colours", "default", made)
    for patch in ({"data": {"sea": None, "sun": "red"}}, [{"op": "add", "path": "/data/moon", "value": "grey"}]):
        core.patch_namespaced_config_map("colours", "default", patch)
    found = core.read_namespaced_config_map("colours", "default")
    assert found.data == {"sky": "blue", "sun": "red", "moon": "grey"}
    labelled = {"metadata": {"labels": {"of": "paint"}, "finalizers": []}}
    core.patch_namespaced_config_map("colours", "default", labelled, field_manager="painter", dry_run="All")
    assert not core.list_namespaced_config_map("default", label_selector="of=paint").items
    with pytest.raises(ApiException, match="the object has been modified") as refused:
        core.replace_namespaced_config_map("colours", "default", made)
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    assert core.delete_namespaced_config_map("colours", "default")["status"] == "Success"
    with pytest.raises(ApiException) as refused:
        core.read_namespaced_config_map("colours", "default")
    assert refused.value.status == 404


def test_the_other_types_of_a_workspace(api, core):
    core.create_namespace({"metadata": {"name": "paris"}})
    secret = client.V1Secret(metadata={"name": "key"}, string_data={"word": "sesame"})
    assert core.create_namespaced_secret("paris", secret).data == {"word": "c2VzYW1l"}
    rbac = client.RbacAuthorizationV1Api(api)
    rules = [client.V1PolicyRule(api_groups=[""], resources=["secrets"], verbs=["get"])]
    rbac.create_namespaced_role("paris", client.V1Role(metadata={"name": "reader"}, rules=rules))
    subject = client.RbacV1Subject(kind="ServiceAccount", name="default", namespace="paris")
    role = client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name="reader")
    binding = client.V1RoleBinding(metadata={"name": "reader"}, subjects=[subject], role_ref=role)
    rbac.create_namespaced_role_binding("paris", binding)
    token = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    given = core.create_namespaced_service_account_token("default", "paris", token).status.token
    account = client.Configuration.get_default_copy()
    account.host, account.ssl_ca_cert = api.configuration.host, api.configuration.ssl_ca_cert
    account.api_key = {"authorization": f"Bearer {given}"}
    with client.ApiClient(account) as limited:
        asked = client.V1ResourceAttributes(namespace="paris", verb="get", resource="secrets")
        review = client.V1SelfSubjectAccessReview(spec={"resourceAttributes": asked.to_dict()})
        assert client.AuthorizationV1Api(limited).create_self_subject_access_review(review).status.allowed
        assert client.CoreV1Api(limited).read_namespaced_secret("key", "paris").data
        with pytest.raises(ApiException, match="cannot list resource"):
            client.CoreV1Api(limited).list_namespaced_secret("paris")
    core.delete_namespace("paris")
    until(lambda: "paris" not in [one.metadata.name for one in core.list_namespace().items])
    assert client.VersionApi(api).get_code().minor == "36"
    assert "tenancy.kcp.io" in [one.name for one in client.ApisApi(api).get_api_versions().groups]


def test_pages(core):
    for number in range(7):
        core.create_namespaced_config_map("default", config_map(f"page-{number}"))
    pages, token = [], None
    while not pages or token:
        found = core.list_namespaced_config_map("default", limit=3, _continue=token)
        pages.append([one.metadata.name for one in found.items])
        token = found.metadata._continue
    assert [len(page) for page in pages] == [3, 3, 2]
    assert pages[2] == ["page-5", "page-6"]


def test_a_watch_goes_on_where_it_was_cut(core):
    begin = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map("watched"))
    seen = []
    watcher = watch.Watch()
    kind = {"field_selector": "metadata.name=watched", "resource_version": begin}
    for event in watcher.stream(core.list_namespaced_config_map, "default", timeout_seconds=1, **kind):
        seen.append((event["type"], event["object"].metadata.name))
    core.patch_namespaced_config_map("watched", "default", {"data": {"a": "1"}})
    core.delete_namespaced_config_map("watched", "default")
    again = {"field_selector": "metadata.name=watched", "resource_version": watcher.resource_version}
    for event in watcher.stream(core.list_namespaced_config_map, "default", **again):
        seen.append((event["type"], event["object"].metadata.name))
        if event["type"] == "DELETED":
            watcher.stop()
    assert seen == [("ADDED", "watched"), ("MODIFIED", "watched"), ("DELETED", "watched")]


def test_custom_objects(custom):
    custom.create_namespaced_custom_object(*GROUP, planet("mars", moons=["phobos"]))
    custom.patch_namespaced_custom_object(*GROUP, "mars", {"spec": {"moons": ["phobos", "deimos"]}})
    custom.patch_namespaced_custom_object_status(*GROUP, "mars", {"status": {"moons": 2}})
    found = custom.get_namespaced_custom_object(*GROUP, "mars")
    assert (found["spec"], found["status"]) == ({"moons": ["phobos", "deimos"], "radius": 1}, {"moons": 2})
    found["spec"]["radius"] = -1
    with pytest.raises(ApiException, match="greater than or equal to 1") as refused:
        custom.replace_namespaced_custom_object(*GROUP, "mars", found)
    assert (refused.value.status, refused.value.reason) == (422, "Unprocessable Entity")
    assert len(custom.list_cluster_custom_object("astronomy.example.com", "v1", "planets")["items"]) == 1
    custom.delete_namespaced_custom_object(*GROUP, "mars")
    assert custom.list_namespaced_custom_object(*GROUP)["items"] == []


def test_the_dynamic_client(api):
    dyn = dynamic.DynamicClient(api)
    planets = dyn.resources.get(api_version="astronomy.example.com/v1", kind="Planet")
    planets.create(body=planet("mars", moons=["phobos"]), namespace="default")
    labelled = {**planet("mars"), "metadata": {"labels": {"orbit": "4"}}}
    there = {"name": "mars", "namespace": "default"}
    done = planets.server_side_apply(body=labelled, field_manager="tests", **there)
    assert (done.spec.moons, done.metadata.labels.orbit) == (["phobos"], "4")
    assert ("tests", "Apply") in [(one.manager, one.operation) for one in done.metadata.managedFields]
    labelled["metadata"] = {"labels": {"orbit": "5"}}
    with pytest.raises(dynamic.exceptions.ConflictError, match=r"metadata\.labels\.orbit"):
        planets.server_side_apply(body=labelled, field_manager="others", **there)
    merge = {"content_type": "application/merge-patch+json"}
    planets.status.patch(body={"status": {"moons": 1}}, **there, **merge)
    events = [
        (event["type"], event["object"].metadata.name)
        for event in planets.watch(namespace="default", timeout=1, resource_version="0")
    ]
    assert events == [("ADDED", "mars")]
    assert [one.metadata.name for one in planets.get(namespace="default", limit=1).items] == ["mars"]
    planets.delete(**there)
    with pytest.raises(dynamic.exceptions.NotFoundError):
        planets.get(**there)


def test_an_informer(core):
    core.create_namespaced_config_map("default", config_map("first"))
    told: queue.Queue = queue.Queue()
    informer = SharedInformer(core.list_namespaced_config_map, namespace="default")
    for kind in (ADDED, MODIFIED, DELETED):
        informer.add_event_handler(kind, lambda one, kind=kind: told.put((kind, one.metadata.name)))
    informer.start()
    try:
        assert {told.get(timeout=20), told.get(timeout=20)} == {(ADDED, "first"), (ADDED, "kube-root-ca.crt")}
        core.create_namespaced_config_map("default", config_map("second"))
        core.patch_namespaced_config_map("second", "default", {"data": {"a": "1"}})
        core.delete_namespaced_config_map("first", "default")
        assert [told.get(timeout=20) for _ in range(3)] == [(ADDED, "second"), (MODIFIED, "second"), (DELETED, "first")]
        assert sorted(informer.cache.list_keys()) == ["default/kube-root-ca.crt", "default/second"]
    finally:
        core.delete_namespaced_config_map("second", "default")  # an event, so that the watch sees that it is over
        informer.stop()


def test_leader_election(astronomy, api):
    lease = client.CoordinationV1Api(api)
    environment = {**os.environ, "KUBECONFIG": str(astronomy.kubeconfig)}
    candidate = subprocess.Popen([sys.executable, "-c", CANDIDATE], env=environment, stdout=subprocess.PIPE, text=True)
    with candidate:
        try:
            assert candidate.stdout.readline() == "one leads\n"
            found = lease.read_namespaced_lease("python", "default")
            assert found.spec.holder_identity == "one"
            until(lambda: lease.read_namespaced_lease("python", "default").spec.renew_time > found.spec.renew_time)
        finally:
            candidate.kill()  # it has no other end


def test_objects_of_a_file(api, core, custom, tmp_path):
    manifest = tmp_path / "objects.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-file}\n---\n"
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: from-file}\n"
    )
    utils.create_from_yaml(api, str(manifest), namespace="default")
    assert core.read_namespaced_service_account("from-file", "default")
    utils.create_from_yaml(api, str(manifest), namespace="default", apply=True)
    with pytest.raises(utils.FailToCreateError, match="already exists"):
        utils.create_from_yaml(api, str(FILES / "planets.yaml"))
