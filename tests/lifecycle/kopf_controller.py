"""An initializer or a terminator of workspaces as users of kopf write it; it talks as its sister in Go does.

The view is read-only but for the status, so handlers of events are used, which keep nothing in the objects they see:
what has been done is seen in the workspace itself. The first line of input is an order.
"""

import asyncio
import base64
import datetime
import json
import logging
import os
import ssl
import sys

import aiohttp
import kopf
import yaml
from kopf._cogs.structs.references import Insights

LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
MAPS = "/api/v1/namespaces/default/configmaps"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


class Work:
    """What is done in one logical cluster after another, and with which connection."""

    def __init__(self, order):
        self.order = order
        self.paused = set()
        with open(os.environ["KUBECONFIG"]) as file:
            document = yaml.safe_load(file)
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        self.view, self.token = cluster["server"], user["token"]
        self.authority = base64.b64decode(cluster["certificate-authority-data"]).decode()

    async def step(self, at, cluster, **more):
        print(json.dumps({"at": at, "cluster": cluster, **more}), flush=True)
        if at in self.order["pauses"] and (at, cluster) not in self.paused:
            self.paused.add((at, cluster))  # once: what has failed is done again, through the same steps
            if not await asyncio.to_thread(sys.stdin.readline):
                os._exit(1)

    async def send(self, session, method, url, body=None, media="application/json", fine=()):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media}
        data = json.dumps(body) if body is not None else None
        async with session.request(method, url, data=data, headers=headers) as answer:
            if answer.status >= 400 and answer.status not in fine:
                raise Refused(answer.status, await answer.text())
            return await answer.json()

    async def run(self, cluster):
        """Do everything, from the beginning if need be, until it is done or no longer wanted."""
        tls = ssl.create_default_context(cadata=self.authority)
        timeout = aiohttp.ClientTimeout(10)
        while True:
            try:
                connector = aiohttp.TCPConnector(ssl=tls)
                async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                    await self.work(session, cluster)
                return
            except Refused as refusal:
                if refusal.status == 404:
                    return
                logging.warning("%s", refusal)
            except (aiohttp.ClientError, TimeoutError) as error:
                logging.warning("%r", error)
            await asyncio.sleep(0.1)

    async def work(self, session, cluster):
        inside = f"{self.view}/clusters/{cluster}"
        await self.send(session, "GET", inside + LOGICAL_CLUSTER)
        await self.step("seen", cluster)
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        who = (await self.send(session, "POST", inside + REVIEWS, review))["status"]["userInfo"]
        if self.order["field"] == "initializers":
            for name in ("seed-1", "seed-2"):
                await self.write(session, inside, name)
                await self.step(name, cluster)
        else:
            await self.send(session, "GET", f"{inside}/api/v1/namespaces")
            await self.step("seed-1", cluster)
            await self.write(session, self.order["ledger"], f"bill-{cluster}")
            await self.step("seed-2", cluster)
        await self.step("worked", cluster, user=who["username"], groups=who["groups"])
        await self.change(session, inside, self.told)
        await self.step("told", cluster)
        await self.change(session, inside, self.left)
        await self.step("left", cluster)

    async def write(self, session, where, name):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"of": self.order["name"]}}
        await self.send(session, "POST", where + MAPS, body, fine=(409,))

    async def change(self, session, inside, decide):
        """Change the status as it is now; again where somebody else was faster."""
        while True:
            live = await self.send(session, "GET", inside + LOGICAL_CLUSTER)
            wanted = decide(live)
            if wanted is None:
                return
            method, media, query, body = wanted
            try:
                await self.send(session, method, f"{inside}{LOGICAL_CLUSTER}/status{query}", body, media)
            except Refused as refusal:
                if refusal.status != 409:
                    raise
                continue
            return

    def told(self, live):
        """Say in a condition that the work is done."""
        kept = [one for one in live["status"].get("conditions", ()) if one["type"] != "Worked"]
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        live["status"]["conditions"] = [*kept, {"type": "Worked", "status": "True", "lastTransitionTime": now}]
        return "PUT", "application/json", "", live

    def left(self, live):
        """Take one's own name off, in the way that was ordered."""
        field, name, way = (self.order[key] for key in ("field", "name", "way"))
        names = live["status"].get(field) or []
        if name not in names:
            return None
        at, left = names.index(name), [one for one in names if one != name]
        if way == "update":
            live["status"][field] = left
            return "PUT", "application/json", "", live
        if way == "merge":
            version = {"resourceVersion": live["metadata"]["resourceVersion"]}
            return "PATCH", "application/merge-patch+json", "", {"metadata": version, "status": {field: left}}
        if way == "json":
            path = f"/status/{field}/{at}"
            operations = [{"op": "test", "path": path, "value": name}, {"op": "remove", "path": path}]
            return "PATCH", "application/json-patch+json", "", operations
        body = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": {"name": "cluster"}}
        query = "?fieldManager=lifecycle&force=true"
        return "PATCH", "application/apply-patch+yaml", query, {**body, "status": {field: left}}


WORK = Work(json.loads(sys.stdin.readline()))


@kopf.on.login()
def login(**_):
    authority = base64.b64encode(WORK.authority.encode()).decode()
    return kopf.ConnectionInfo(server=f"{WORK.view}/clusters/*", ca_data=authority, token=WORK.token)


@kopf.on.startup()
def configure(settings, **_):
    settings.posting.enabled = False
    settings.networking.error_backoffs = [0.1] * 200
    settings.watching.reconnect_backoff = 0.1


@kopf.on.event("core.kcp.io", "v1alpha1", "logicalclusters")
async def waiting(type, annotations, **_):
    if type != "DELETED":
        await WORK.run(annotations["kcp.io/cluster"])


if __name__ == "__main__":
    kopf.configure(verbose=False)
    # kopf waits for a type `namespaces` to learn that it need not look for any; a view serves logical clusters alone.
    kopf.run(standalone=True, clusterwide=True, insights=Insights(namespaces={None}))
