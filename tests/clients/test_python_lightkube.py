"""The Python client `lightkube`, in its two forms: models, generic resources, apply, watches, waiting, pages."""

import asyncio

import httpx2
import pytest
import yaml
from lightkube import ApiError, AsyncClient, Client, KubeConfig, operators
from lightkube.codecs import dump_all_yaml, load_all_yaml
from lightkube.core.exceptions import ConditionError
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.core_v1 import ConfigMap, Namespace, Secret, ServiceAccountToken
from lightkube.types import PatchType
from planet_requests import FILES, planet

Planet = create_namespaced_resource("astronomy.example.com", "v1", "Planet", "planets")


@pytest.fixture
def settings(workspace):
    """The kubeconfig of a workspace without a custom type."""
    return KubeConfig.from_file(str(workspace.kubeconfig))


@pytest.fixture
def lightkube(settings):
    """A client of it."""
    with Client(settings, namespace="default", field_manager="tests") as made:
        yield made


@pytest.fixture
def planets(lightkube):
    """The client, in a workspace with the custom type, which it has made itself."""
    definition = yaml.safe_load((FILES / "planets.yaml").read_text())
    lightkube.create(CustomResourceDefinition.from_dict(definition))
    lightkube.wait(CustomResourceDefinition, "planets.astronomy.example.com", for_conditions=["Established"])
    return lightkube


def config_map(name, **data):
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"), data=data)


def test_objects(lightkube):
    made = lightkube.create(config_map("colours", sky="blue"))
    made.data["sea"] = "green"
    lightkube.replace(made)
    lightkube.patch(ConfigMap, "colours", {"data": {"sky": None}})
    lightkube.patch(ConfigMap, "colours", {"data": {"sun": "red"}}, patch_type=PatchType.MERGE)
    steps = [{"op": "add", "path": "/data/moon", "value": "grey"}]
    lightkube.patch(ConfigMap, "colours", steps, patch_type=PatchType.JSON)
    lightkube.set(ConfigMap, "colours", labels={"of": "paint"})
    found = lightkube.get(ConfigMap, "colours")
    assert found.data == {"sea": "green", "sun": "red", "moon": "grey"}
    assert found.metadata.managedFields[0].manager == "tests"
    chosen = lightkube.list(ConfigMap, labels={"of": operators.in_(["paint", "ink"])})
    assert [one.metadata.name for one in chosen] == ["colours"]
    others = lightkube.list(ConfigMap, fields={"metadata.name": operators.not_equal("colours")})
    assert [one.metadata.name for one in others] == ["kube-root-ca.crt"]
    with pytest.raises(ApiError, match="the object has been modified") as refused:
        lightkube.replace(made)
    assert (refused.value.status.code, refused.value.status.reason) == (409, "Conflict")
    lightkube.delete(ConfigMap, "colours")
    with pytest.raises(ApiError) as refused:
        lightkube.get(ConfigMap, "colours")
    assert refused.value.status.reason == "NotFound"


def test_apply_and_files(lightkube):
    lightkube.apply(config_map("applied", a="1"))
    applied = lightkube.apply(config_map("applied", a="2"))
    assert [(one.manager, one.operation) for one in applied.metadata.managedFields] == [("tests", "Apply")]
    with pytest.raises(ApiError, match=r'conflict with "tests": \.data\.a'):
        lightkube.apply(config_map("applied", a="3"), field_manager="others")
    forced = lightkube.apply(config_map("applied", a="3"), field_manager="others", force=True)
    assert forced.data == {"a": "3"}
    text = dump_all_yaml([Namespace(metadata=ObjectMeta(name="paris")), Secret(metadata=ObjectMeta(name="key"))])
    for one in load_all_yaml(text):
        lightkube.apply(one, namespace="paris" if isinstance(one, Secret) else None)
    assert lightkube.get(Secret, "key", namespace="paris").type == "Opaque"
    token = ServiceAccountToken.from_dict({"metadata": {}, "spec": {"audiences": []}})
    assert lightkube.create(token, "default").status.token


def test_pages_in_all_namespaces(lightkube):
    for number in range(5):
        lightkube.create(config_map(f"map-{number}"))
    names = [one.metadata.name for one in lightkube.list(ConfigMap, namespace="*", chunk_size=2)]
    assert names == ["kube-root-ca.crt", *(f"map-{number}" for number in range(5)), "kube-root-ca.crt"]
    for number in range(2):
        lightkube.create(Secret(metadata=ObjectMeta(name=f"secret-{number}")))
    lightkube.deletecollection(Secret)
    assert list(lightkube.list(Secret)) == []


def test_custom_objects(planets):
    mars = planets.create(Planet(**planet("mars", moons=["phobos"])), namespace="default")
    assert mars.spec == {"moons": ["phobos"], "radius": 1}
    status = {"status": {"moons": 1, "conditions": [{"type": "Failed", "status": "True"}]}}
    planets.patch(Planet.Status, "mars", status, patch_type=PatchType.MERGE)
    with pytest.raises(ConditionError, match="Failed"):
        planets.wait(Planet, "mars", for_conditions=["Ready"], raise_for_conditions=["Failed"])
    applied = planets.apply(Planet(**planet("mars", moons=["deimos"])), namespace="default", force=True)
    assert (applied.spec["moons"], applied.status["moons"]) == (["deimos"], 1)
    with pytest.raises(ApiError, match="greater than or equal to 1"):
        planets.patch(Planet, "mars", {"spec": {"radius": -1}}, patch_type=PatchType.MERGE)
    load_in_cluster_generic_resources(planets)
    assert [one.metadata.name for one in planets.list(Planet)] == ["mars"]


def test_a_watch_beside_writes(planets, settings):
    async def program():
        client = AsyncClient(settings, namespace="default", timeout=httpx2.Timeout(20))

        await client.create(Planet(**planet("venus")))

        async def write():
            await client.set(Planet, "venus", labels={"of": "tests"})
            await client.delete(Planet, "venus")

        seen = []
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            async for kind, found in client.watch(Planet):
                if not seen:
                    tasks.create_task(write())
                seen.append((kind, found.metadata.name, found.metadata.labels))
                if kind == "DELETED":
                    break
        await client.close()
        return seen

    assert asyncio.run(program()) == [
        ("ADDED", "venus", None),
        ("MODIFIED", "venus", {"of": "tests"}),
        ("DELETED", "venus", {"of": "tests"}),
    ]
