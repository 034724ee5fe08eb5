"""The Python client `kubernetes-asyncio`: typed and dynamic clients, watches beside writes, pages, refusals."""

import asyncio

import pytest
from kubernetes_asyncio import client, config, dynamic, watch
from kubernetes_asyncio.client.exceptions import ApiException
from planet_requests import planet

GROUP = {"group": "astronomy.example.com", "version": "v1", "namespace": "default", "plural": "planets"}


@pytest.fixture
def run(astronomy):
    """Run a coroutine function with a client of the workspace."""

    async def connected(program):
        async with await config.new_client_from_config(str(astronomy.kubeconfig)) as api:
            async with asyncio.timeout(30):
                return await program(api)

    return lambda program: asyncio.run(connected(program))


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def test_typed_objects_and_pages(run):
    async def program(api):
        core = client.CoreV1Api(api)
        made = await asyncio.gather(
            *(core.create_namespaced_config_map("default", config_map(f"map-{number}")) for number in range(6))
        )
        made[0].data = {"a": "1", "b": "1"}
        await core.replace_namespaced_config_map("map-0", "default", made[0])
        await core.patch_namespaced_config_map("map-0", "default", {"data": {"a": None}})
        await core.patch_namespaced_config_map("map-0", "default", [{"op": "add", "path": "/data/c", "value": "1"}])
        found = await core.read_namespaced_config_map("map-0", "default")
        with pytest.raises(ApiException) as conflict:
            await core.replace_namespaced_config_map("map-0", "default", made[0])
        sizes, token = [], ""
        while not sizes or token:
            page = await core.list_namespaced_config_map("default", limit=3, _continue=token)
            sizes.append(len(page.items))
            token = page.metadata._continue
        await core.delete_collection_namespaced_config_map("default", field_selector="metadata.name=map-5")
        left = await core.list_namespaced_config_map("default")
        return found.data, conflict.value.status, sizes, len(left.items)

    assert run(program) == ({"b": "1", "c": "1"}, 409, [3, 3, 1], 6)


def test_apply(run):
    async def program(api):
        core = client.CoreV1Api(api)
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
        apply = {"_content_type": "application/apply-patch+yaml"}
        await core.patch_namespaced_config_map("applied", "default", body, field_manager="one", **apply)
        body["data"]["a"] = "2"
        with pytest.raises(ApiException, match=r'conflict with ."one."') as refused:
            await core.patch_namespaced_config_map("applied", "default", body, field_manager="two", **apply)
        forced = await core.patch_namespaced_config_map(
            "applied", "default", body, field_manager="two", force=True, **apply
        )
        return refused.value.status, forced.data, [one.manager for one in forced.metadata.managed_fields]

    assert run(program) == (409, {"a": "2"}, ["two"])


def test_a_watch_beside_writes(run):
    async def program(api):
        custom = client.CustomObjectsApi(api)

        async def write():
            await custom.create_namespaced_custom_object(**GROUP, body=planet("venus"))
            status = {"status": {"moons": 2}}
            merge = {"_content_type": "application/merge-patch+json"}
            await custom.patch_namespaced_custom_object_status(**GROUP, name="mars", body=status, **merge)
            await custom.delete_namespaced_custom_object(**GROUP, name="venus")

        seen = []
        await custom.create_namespaced_custom_object(**GROUP, body=planet("mars"))
        async with watch.Watch() as watcher, asyncio.TaskGroup() as tasks:
            async for event in watcher.stream(custom.list_namespaced_custom_object, **GROUP):
                if not seen:
                    tasks.create_task(write())
                found = event["object"]
                seen.append((event["type"], found["metadata"]["name"], found.get("status")))
                if event["type"] == "DELETED":
                    break
        return seen

    assert run(program) == [
        ("ADDED", "mars", None),
        ("ADDED", "venus", None),
        ("MODIFIED", "mars", {"moons": 2}),
        ("DELETED", "venus", None),
    ]


def test_the_dynamic_client(run):
    async def program(api):
        dyn = await dynamic.DynamicClient(api)
        planets = await dyn.resources.get(api_version="astronomy.example.com/v1", kind="Planet")
        there = {"name": "mars", "namespace": "default"}
        done = await planets.server_side_apply(body=planet("mars", moons=["phobos"]), field_manager="tests", **there)
        listed = await planets.get(namespace="default")
        await planets.delete(**there)
        refusal = await planets.get(**there)  # this client raises nothing here
        return done.spec.radius, [one.spec.moons for one in listed.items], (refusal.kind, refusal.code)

    assert run(program) == (1, [["phobos"]], ("Status", 404))
