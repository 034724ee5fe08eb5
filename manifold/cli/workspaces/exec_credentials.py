"""Credentials from a program: the `exec` of a kubeconfig user (client.authentication.k8s.io v1 and v1beta1, KEP-541).

The program gets an ExecCredential in KUBERNETES_EXEC_INFO, writes one on stdout, and talks to the user on stderr. What
it gives is used for this command only: the program has its own cache, and a second one would outlive a log-out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.kubeconfig import Entry

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the program gave: a token, or a client certificate and its key as PEM, or both."""

    token: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)


def credentials(
    user: Entry, cluster: Entry, server: str, authority: bytes, environment: Mapping[str, str]
) -> Credentials:
    """Run the program of `user`. Raises CommandError where it is missing, fails or gives nothing that can be used."""
    settings = user.values["exec"]
    if not isinstance(settings, dict) or not isinstance(settings.get("command"), str):
        raise CommandError(f'user "{user.name}": exec.command is missing')
    version, command = settings.get("apiVersion"), settings["command"]
    if version not in VERSIONS:
        raise CommandError(f'user "{user.name}": exec.apiVersion must be one of {", ".join(VERSIONS)}')
    if os.sep in command:  # a path is relative to the kubeconfig, a bare name is looked up on the PATH
        command = str(user.directory / command)
    interactive = _interactive(user.name, settings.get("interactiveMode") or "IfAvailable")
    spec: dict[str, object] = {"interactive": interactive}
    if settings.get("provideClusterInfo") is True:
        spec["cluster"] = _cluster(cluster, server, authority)
    told = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    arguments, variables = settings.get("args") or [], settings.get("env") or []
    if not isinstance(arguments, list) or not isinstance(variables, list):
        raise CommandError(f'user "{user.name}": exec.args or exec.env is no list')
    try:
        more = {item["name"]: str(item["value"]) for item in variables}
    except (TypeError, KeyError):
        raise CommandError(f'user "{user.name}": exec.env must have names and values') from None
    try:
        done = subprocess.run(
            [command, *(str(argument) for argument in arguments)],
            stdin=None if interactive else subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
            env={**environment, **more, "KUBERNETES_EXEC_INFO": json.dumps(told)},
        )  # fmt: skip
    except OSError as error:
        hint = settings.get("installHint")
        text = f"{command}: {(error.strerror or str(error)).lower()}" + (f"\n\n{hint}" if hint else "")
        raise CommandError(f"getting credentials: exec: {text}") from None
    if done.returncode != 0:
        raise CommandError(f"getting credentials: exec: executable {command} failed with exit code {done.returncode}")
    return _taken(command, version, done.stdout)


def _interactive(user: str, mode: str) -> bool:
    if mode == "Never":
        return False
    available = sys.stdin is not None and sys.stdin.isatty()
    if mode == "Always" and not available:
        raise CommandError(f'user "{user}": its credential plugin needs a terminal, and standard input is none')
    if mode not in ("Always", "IfAvailable"):
        raise CommandError(f'user "{user}": exec.interactiveMode must be one of Never, IfAvailable, Always')
    return available


def _cluster(cluster: Entry, server: str, authority: bytes) -> dict[str, object]:
    """What the program may know of the cluster; `config` is the cluster's own extension for it."""
    import base64

    told: dict[str, object] = {"server": server, "config": None}
    if cluster.text("tls-server-name"):
        told["tls-server-name"] = cluster.text("tls-server-name")
    if cluster.values.get("insecure-skip-tls-verify") is True:
        told["insecure-skip-tls-verify"] = True
    if authority:
        told["certificate-authority-data"] = base64.b64encode(authority).decode()
    if cluster.text("proxy-url"):
        told["proxy-url"] = cluster.text("proxy-url")
    for extension in cluster.values.get("extensions") or ():
        if isinstance(extension, dict) and extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return told


def _taken(command: str, version: str, output: bytes) -> Credentials:
    wrong = f"getting credentials: exec: executable {command}"
    try:
        given = json.loads(output)
        status = given.get("status") or {}
        kind, of = given.get("kind"), given.get("apiVersion")
        token, certificate, key = (
            status.get(name) or "" for name in ("token", "clientCertificateData", "clientKeyData")
        )
    except (ValueError, AttributeError):
        raise CommandError(f"{wrong} wrote no ExecCredential") from None
    if kind != "ExecCredential" or of != version:
        raise CommandError(f"{wrong} wrote a {kind} of {of}, asked for an ExecCredential of {version}")
    if not (token or (certificate and key)) or bool(certificate) != bool(key):
        raise CommandError(f"{wrong} gave neither a token nor a client certificate with its key")
    return Credentials(token, certificate.encode(), key.encode())
