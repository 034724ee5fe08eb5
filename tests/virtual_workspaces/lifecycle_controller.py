"""A controller outside the server, as somebody would write one: `lifecycle_controller.py KUBECONFIG USER VIEW FIELD`.

It lists and watches a view, writes a ConfigMap into every logical cluster it is shown, and then takes its name off the
list in the status. It begins again whenever the server goes away, and says on stdout what it has done.
"""

import http.client
import json
import ssl
import sys
import time
import urllib.parse

import yaml

LOGICAL_CLUSTERS = "/apis/core.kcp.io/v1alpha1/logicalclusters"


class Controller:
    def __init__(self, kubeconfig, user, view, field):
        with open(kubeconfig) as file:
            document = yaml.safe_load(file)
        self.url = urllib.parse.urlsplit(document["clusters"][0]["cluster"]["server"])
        self.token = next(one["user"]["token"] for one in document["users"] if one["name"] == user)
        self.context = ssl._create_unverified_context()
        self.view, self.field = view, field
        self.name = urllib.parse.unquote(view.rpartition("/")[2])

    def send(self, method, path, body=None, media="application/json"):
        connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.context, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()

    def run(self):
        while True:
            try:
                self.round()
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                time.sleep(0.1)

    def round(self):
        answer = self.send("GET", f"{self.view}/clusters/*{LOGICAL_CLUSTERS}?watch=1")
        if answer.status != 200:
            raise ValueError(answer.status)
        while line := answer.readline():
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                self.work(event["object"])

    def work(self, logical_cluster):
        cluster = logical_cluster["metadata"]["annotations"]["kcp.io/cluster"]
        inside = f"{self.view}/clusters/{cluster}"
        if self.field == "initializers":
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seed"}}
            made = self.send("POST", f"{inside}/api/v1/namespaces/default/configmaps", body)
            if made.status not in (201, 409):
                raise ValueError(made.status)
        left = [one for one in logical_cluster["status"][self.field] if one != self.name]
        patch = {"metadata": {"resourceVersion": logical_cluster["metadata"]["resourceVersion"]}}
        patch["status"] = {self.field: left}
        media = "application/merge-patch+json"
        done = self.send("PATCH", f"{inside}{LOGICAL_CLUSTERS}/cluster/status", patch, media)
        print(f"{cluster} {done.status}", flush=True)


if __name__ == "__main__":
    Controller(*sys.argv[1:]).run()
