"""The Python client `kr8s`, in its two forms: objects that know how to change, wait for and watch themselves."""

import asyncio

import kr8s
import pytest
from kr8s.asyncio.objects import new_class as new_async_class
from kr8s.objects import ConfigMap, Namespace, Secret, new_class
from planet_requests import planet

pytestmark = pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported")
"""It knows Kubernetes to 1.35, and says so."""

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours", "namespace": "default"}}


@pytest.fixture
def api(astronomy):
    """A client of the workspace."""
    return kr8s.api(kubeconfig=str(astronomy.kubeconfig), namespace="default")


def test_objects(api):
    made = ConfigMap({**MAP, "data": {"sky": "blue"}}, api=api)
    assert not made.exists()
    made.create()
    made.patch({"data": {"sea": "green"}})
    made.patch([{"op": "remove", "path": "/data/sky"}], type="json")
    made.label(of="paint")
    made.annotate(seen="yes")
    again = ConfigMap.get("colours", api=api)
    assert (again.data, again.labels, again.annotations.seen) == ({"sea": "green"}, {"of": "paint"}, "yes")
    assert [one.name for one in api.get("configmaps", label_selector={"of": "paint"})] == ["colours"]
    assert [one.name for one in api.get("cm", field_selector="metadata.name=colours")] == ["colours"]
    made.remove_label("of")
    made.delete()
    made.wait("delete", timeout=10)
    with pytest.raises(kr8s.NotFoundError):
        made.refresh()


def test_namespaces_secrets_and_who_one_is(api):
    Namespace({"metadata": {"name": "paris"}}, api=api).create()
    key = {"metadata": {"name": "key", "namespace": "paris"}, "stringData": {"word": "sesame"}}
    Secret(key, api=api).create()
    assert [one.name for one in api.get("secrets", namespace=kr8s.ALL)] == ["key"]
    paris = Namespace.get("paris", api=api)
    paris.delete()
    paris.wait("delete", timeout=20)
    assert list(api.get("secrets", namespace=kr8s.ALL)) == []
    assert api.whoami() == "kcp-admin"
    assert api.version()["minor"] == "36"


def test_custom_objects(api):
    planets = new_class("Planet", "astronomy.example.com/v1")
    mars = planets({**planet("mars", moons=["phobos"])}, api=api)
    mars.create()
    mars.patch({"status": {"moons": 1, "conditions": [{"type": "Ready", "status": "True"}]}}, subresource="status")
    mars.wait("condition=Ready", timeout=10)
    (found,) = api.get("planets.astronomy.example.com")
    assert (found.spec.moons, found.spec.radius, found.status.moons) == (["phobos"], 1, 1)
    owned = ConfigMap(MAP, api=api)
    owned.create()
    owned.set_owner(mars)
    with pytest.raises(kr8s.ServerError, match="greater than or equal to 1"):
        mars.patch({"spec": {"radius": -1}})
    mars.delete()
    owned.wait("delete", timeout=20)
    assert "planets" in [one["name"] for one in api.api_resources()]


def test_lists_are_read_in_pages(astronomy, api):
    for number in range(120):
        status, _ = astronomy.request(
            "POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"map-{number:03}"}}
        )
        assert status == 201
    names = [one.name for one in api.get("configmaps")]
    assert names == ["kube-root-ca.crt", *(f"map-{number:03}" for number in range(120))]


def test_a_watch_beside_writes(astronomy):
    async def program():
        api = await kr8s.asyncio.api(kubeconfig=str(astronomy.kubeconfig), namespace="default")
        planets = new_async_class("Planet", "astronomy.example.com/v1")

        venus = await planets(planet("venus"), api=api)
        await venus.create()

        async def write():
            await venus.patch({"spec": {"moons": ["none"]}})
            await venus.delete()

        seen = []
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            async for kind, found in api.watch("planets"):
                if not seen:
                    tasks.create_task(write())
                seen.append((kind, found.name, found.spec.get("moons")))
                if kind == "DELETED":
                    break
        return seen

    assert asyncio.run(program()) == [
        ("ADDED", "venus", None),
        ("MODIFIED", "venus", ["none"]),
        ("DELETED", "venus", ["none"]),
    ]
