"""kopf over all consumers of an export: which of its handlers work there, and which cannot.

In one workspace all of them do: `tests/clients`.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from walk_world import eventually

OPERATOR = Path(__file__).with_name("view_operator.py")
SLICES = "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices"


@contextlib.contextmanager
def operator(provider, directory, **environment):
    """Run the operator for the length of a block; a function that gives the lines it has told."""
    published = provider.workspace.request("GET", f"{SLICES}/{provider.export}")[1]
    view = published["status"]["endpoints"][0]["url"]
    log = directory / "kopf.log"
    command = [str(Path(sys.executable).parent / "kopf"), "run", "--all-namespaces", str(OPERATOR)]
    surroundings = {
        **os.environ, "KUBECONFIG": str(provider.workspace.kubeconfig), "HOME": str(directory), "VIEW": view,
        **environment,
    }  # fmt: skip
    with log.open("w") as output:
        process = subprocess.Popen(command, env=surroundings, stdout=output, stderr=output)
    try:
        yield log.read_text
    finally:
        process.terminate()
        process.wait(20)


def provider_for_kopf(provide):
    """kopf begins only where it finds the type of namespaces; so the export claims it."""
    provider = provide()
    claim = {"group": "", "resource": "namespaces", "verbs": ["list"]}
    patch = [{"op": "add", "path": "/spec/permissionClaims/-", "value": claim}]
    provider.workspace.kubectl("patch", "apiexport", provider.export, "--type", "json", "--patch", json.dumps(patch))
    return provider


def told(text):
    return sorted(line for line in text.splitlines() if line.startswith("heard "))


def test_handlers_of_events_hear_of_every_consumer(provide, consume, tmp_path):
    provider = provider_for_kopf(provide)
    one, other = consume(2)
    for consumer in (one, other):
        consumer.bind(provider)
    one.make(provider, "before")
    with operator(provider, tmp_path) as text:
        first = [f"heard INITIAL {one.workspace.cluster} before"]
        eventually(lambda: told(text()), first)
        other.make(provider, "before")
        both = [f"heard ADDED {other.workspace.cluster} before", *first]
        eventually(lambda: told(text()), sorted(both))
        one.workspace.kubectl("delete", "widget", "before")
        eventually(lambda: told(text()), sorted([*both, f"heard DELETED {one.workspace.cluster} before"]))


def test_handlers_that_keep_their_progress_in_the_object_cannot(provide, consume, tmp_path):
    """kopf writes it to the URL it watches, and nothing is written through the URL of all consumers."""
    provider = provider_for_kopf(provide)
    [consumer] = consume(1)
    consumer.bind(provider)
    consumer.make(provider, "first")
    with operator(provider, tmp_path, CREATIONS="1") as text:
        eventually(lambda: "created first" in text(), True)
        eventually(lambda: 'patch is not supported on resources of kind "widgets" in the `*`' in text(), True)
    found = consumer.workspace.request("GET", "/apis/example.com/v1/namespaces/default/widgets/first")[1]
    assert not [key for key in found["metadata"]["annotations"] if "kopf" in key]
    assert "status" not in found
