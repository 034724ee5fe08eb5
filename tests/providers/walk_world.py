"""Providers with the folder that `manifold provider init` writes, their controllers, and consumers.

A provider has a workspace of its own and a kubeconfig that leads there; so has each consumer. Nothing of it is shared
between tests, so controllers see the consumers of one test only.
"""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

from support.server import Server, Workspace

PATIENCE = 30
_numbers = itertools.count(1)


def eventually(check, wanted):
    """Wait until `check()` is what is wanted."""
    deadline = time.monotonic() + PATIENCE
    while (found := check()) != wanted:
        assert time.monotonic() < deadline, f"{found} is not {wanted}"
        time.sleep(0.05)


class Provider:
    """An export with everything in the folder applied. `names` are flags of `provider init`."""

    def __init__(self, server: Server, directory: Path, group: str, kind: str) -> None:
        self.workspace: Workspace = server.create_workspace(directory=directory)
        self.folder = directory / f"provider{next(_numbers)}"
        subprocess.run(
            [sys.executable, "-m", "manifold.cli.main", "provider", "init", str(self.folder), "--group", group,
             "--kind", kind], check=True, capture_output=True,
        )  # fmt: skip
        self.group, self.plural = group, f"{kind.lower()}s"
        self.export = f"{self.plural}.{group}"
        for file in ("apiresourceschema", "apiexport", "consumers", "controller"):
            self.workspace.kubectl("apply", "-f", str(self.folder / "api" / f"{file}.yaml"))
        self.errors = directory / f"{self.export}.{self.workspace.name}.log"
        self._controllers: list[subprocess.Popen[str]] = []

    def run(self, *command: str) -> None:
        """Run a controller in the folder, as the provider."""
        with self.errors.open("a") as log:
            environment = {**os.environ, "KUBECONFIG": str(self.workspace.kubeconfig), "PYTHONUNBUFFERED": "1"}
            self._controllers.append(
                subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, text=True, env=environment)
            )

    def run_python(self) -> None:
        """Run the controller that the folder has, as the service account that the folder has for it."""
        self.run(sys.executable, "controller.py", "--context", self.service_account())

    def service_account(self) -> str:
        """A context of the kubeconfig for the controller's service account, who is nobody anywhere else."""
        name = f"{self.plural}-controller"
        token = self.workspace.kubectl("create", "token", name).stdout.strip()
        self.workspace.kubectl("config", "set-credentials", name, f"--token={token}")
        self.workspace.kubectl("config", "set-context", name, "--cluster=root", f"--user={name}")
        return name

    def stop(self) -> None:
        """End the controllers."""
        for process in self._controllers:
            process.kill()
            process.wait()
        self._controllers.clear()

    def seen(self) -> list[tuple[str, str]]:
        """The objects of the API in the view, as logical cluster and name."""
        base = f"/services/apiexport/{self.workspace.cluster}/{self.export}/clusters/*"
        status, found = self.workspace.server.request("GET", f"{base}/apis/{self.group}/v1/{self.plural}")
        assert status == 200, found
        items = ((one["metadata"]["annotations"]["kcp.io/cluster"], one["metadata"]["name"]) for one in found["items"])
        return sorted(items)


class Consumer:
    """A workspace that binds what providers offer."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.workspace: Workspace = server.create_workspace(directory=directory)

    def bind(self, provider: Provider, *flags: str) -> None:
        """Bind the export of a provider."""
        reference = f"{provider.workspace.path}:{provider.export}"
        self.workspace.kubectl("kcp", "bind", "apiexport", reference, *flags)

    def unbind(self, provider: Provider) -> None:
        """Delete the binding, and what it served."""
        self.workspace.kubectl("delete", "apibinding", provider.export)

    def make(self, provider: Provider, name: str, size: int = 3) -> None:
        """Make an object of a provider's API."""
        kind = provider.plural[:-1].capitalize()
        body = {
            "apiVersion": f"{provider.group}/v1", "kind": kind, "metadata": {"name": name}, "spec": {"size": size},
        }  # fmt: skip
        path = f"/apis/{provider.group}/v1/namespaces/default/{provider.plural}"
        status, made = self.workspace.request("POST", path, body)
        assert status == 201, made

    def status(self, provider: Provider, name: str) -> tuple[str, str]:
        """Phase and message of an object."""
        path = f"/apis/{provider.group}/v1/namespaces/default/{provider.plural}/{name}"
        status, found = self.workspace.request("GET", path)
        assert status == 200, found
        said = found.get("status") or {}
        return said.get("phase", ""), said.get("message", "")

    def config_maps(self) -> dict[str, dict[str, str]]:
        """The data of the ConfigMaps in the namespace `default`, but for the one that every namespace has."""
        status, found = self.workspace.request("GET", "/api/v1/namespaces/default/configmaps")
        assert status == 200, found
        return {
            one["metadata"]["name"]: one.get("data", {})
            for one in found["items"]
            if one["metadata"]["name"] != "kube-root-ca.crt"
        }
