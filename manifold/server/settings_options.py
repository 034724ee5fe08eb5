"""The table of settings: name, meaning, default and parser, once, for flags, files, environment and documentation.

Guarantees: a setting that is in this table works, and one that is not is refused. The names are kcp's and Kubernetes'
where the meaning is the same (section 1.1 of the tenancy reference). The few in `UNUSED` are what test harnesses made
for kcp pass (section 8.1); they are taken with a notice because refusing them would help nobody, and nothing that
protects anything is among them except the audit log, which the notice names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from manifold.server import settings_values as values


@dataclass(frozen=True, slots=True)
class Option:
    """A setting. `default` is text for `parse`, None where there is no value unless given; `below_root` is a default
    below the root directory. `repeats` is true where a flag given twice adds up.
    """

    name: str
    section: str
    metavar: str
    help: str
    parse: Callable[[str], object]
    default: str | None = None
    below_root: str = ""
    repeats: bool = False
    unused: bool = False

    @property
    def field(self) -> str:
        """The attribute of `Settings`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "MANIFOLD_" + self.name.replace("-", "_").upper()

    @property
    def shown_default(self) -> str:
        """The default as help and documentation show it; empty where there is none."""
        if self.below_root:
            return f"<root-directory>/{self.below_root}"
        return self.default or ""


GENERAL = "General"
SERVING = "Serving"
AUTHENTICATION = "Authentication and authorization"
SHARD = "Shard"
WORKSPACES = "Workspaces"
UNUSED = "Accepted without effect"

_TABLE = (
    Option("root-directory", GENERAL, "DIRECTORY", "Where everything is kept; made with mode 0700.", values.path,
           default=".manifold"),
    Option("config", GENERAL, "FILE", "YAML file of settings: the names of these flags without dashes in front.",
           values.path),
    Option("batteries-included", GENERAL, "LIST",
           "What is set up beyond the bare minimum: admin (tokens and kubeconfig), workspace-types (organization, "
           "team), user (an unprivileged user), metrics-viewer. A list replaces the default, +name and -name change "
           "it.", values.batteries, default="admin,workspace-types", repeats=True),
    Option("feature-gates", GENERAL, "NAME=BOOL,...",
           "Feature gates: " + ", ".join(f"{name}={str(on).lower()}" for name, on in values.GATES.items())
           + f". In this version all but {', '.join(sorted(values.OPEN_GATES))} are locked to the value shown.",
           values.gates, default="", repeats=True),
    Option("log-retention", GENERAL, "DURATION",
           "How long changes can be watched and listed from behind, at least; --log-retention-bytes keeps more of them "
           "where little is written.", values.duration, default="5m"),
    Option("log-retention-bytes", GENERAL, "BYTES",
           "How much of replaced and deleted objects is kept for that, whatever their age.", values.whole,
           default="1048576"),
    Option("refuse-unenforced-rules", GENERAL, "BOOL",
           "Refuse CustomResourceDefinitions with rules in CEL (x-kubernetes-validations). They are not enforced in "
           "this version; unless they are refused, definitions are accepted with a warning and a condition.",
           values.boolean, default="false"),
    Option("v", GENERAL, "LEVEL", "How much is logged: 0 warnings, 1 to 3 information, 4 and more for debugging.",
           values.whole, default="2"),
    Option("bind-address", SERVING, "IP",
           "Address to listen on; 0.0.0.0 or :: for all. Loopback unless told otherwise.", values.address,
           default="127.0.0.1"),
    Option("secure-port", SERVING, "PORT", "HTTPS port; 0 takes a free one. There is no other port.", values.port,
           default="6443"),
    Option("cert-dir", SERVING, "DIRECTORY",
           "Where the own CA and serving certificate are kept (default: the root directory).", values.path),
    Option("tls-cert-file", SERVING, "FILE",
           "Serve with this PEM certificate (chain) instead of one of our own. Read again when it changes.",
           values.path),
    Option("tls-private-key-file", SERVING, "FILE", "The PEM key of --tls-cert-file.", values.path),
    Option("kubeconfig-path", AUTHENTICATION, "FILE", "Where the admin kubeconfig is written.", values.path,
           below_root="admin.kubeconfig"),
    Option("authentication-admin-token-path", AUTHENTICATION, "FILE",
           "Where the digests of the admin tokens are kept; the tokens themselves are only in the kubeconfig.",
           values.path, below_root=".admin-token-store"),
    Option("client-ca-file", AUTHENTICATION, "FILE",
           "Accept client certificates signed by a CA in this PEM file: CN is the user, O the groups.", values.path),
    Option("token-auth-file", AUTHENTICATION, "FILE", 'CSV of static tokens: token,user,uid,"group1,group2".',
           values.path),
    Option("authorization-always-allow-paths", AUTHENTICATION, "LIST",
           "Paths served without authorization; a trailing * matches the rest.", values.paths,
           default="/healthz,/readyz,/livez", repeats=True),
    Option("shard-name", SHARD, "NAME", "Name of this shard; a process on its own is root.", values.shard_name,
           default="root"),
    Option("shard-base-url", SHARD, "URL",
           "How this server is reached, in the kubeconfig and in Shard.spec.baseURL (default: https://, the bind "
           "address, or this machine's where that is all addresses, and the port).", values.url),
    Option("shard-external-url", SHARD, "URL",
           "What the URLs of workspaces begin with, Shard.spec.externalURL (default: --shard-base-url).", values.url),
    Option("shard-virtual-workspace-url", SHARD, "URL",
           "What the URLs of virtual workspaces begin with, Shard.spec.virtualWorkspaceURL (default: "
           "--shard-base-url).", values.url),
    Option("enable-home-workspaces", WORKSPACES, "BOOL",
           "Whether the workspace ~ of root is the home of whoever asks, made on first use. Homes that are there stay "
           "reachable without it.", values.boolean, default="true"),
    Option("home-workspaces-home-creator-groups", WORKSPACES, "LIST", "Groups whose users get a home workspace.",
           values.listed, default="system:authenticated", repeats=True),
    Option("logical-cluster-total-object-limit", WORKSPACES, "NUMBER",
           "How many objects a logical cluster may hold unless its annotation core.kcp.io/max-total-objects says "
           "otherwise; 0 for any number. Not for root and the system's own.", values.whole, default="0"),
    Option("mount-proxy-client-cert-file", WORKSPACES, "FILE",
           "The PEM certificate (chain) by which mounted servers know this one. They see users as impersonated by it; "
           "without it, as nobody.", values.path),
    Option("mount-proxy-client-key-file", WORKSPACES, "FILE", "The PEM key of --mount-proxy-client-cert-file.",
           values.path),
    Option("mount-proxy-ca-file", WORKSPACES, "FILE",
           "PEM certificates of the CAs that mounted servers are signed by (default: those the system trusts).",
           values.path),
    Option("embedded-etcd-client-port", UNUSED, "PORT", "The store is embedded and has no port.", values.text,
           unused=True),
    Option("embedded-etcd-peer-port", UNUSED, "PORT", "The store is embedded and has no port.", values.text,
           unused=True),
    Option("embedded-etcd-wal-size-bytes", UNUSED, "BYTES", "The store bounds its own log.", values.text, unused=True),
    Option("audit-log-path", UNUSED, "FILE", "No audit log is written yet.", values.text, unused=True),
    Option("audit-policy-file", UNUSED, "FILE", "No audit log is written yet.", values.text, unused=True),
)  # fmt: skip

OPTIONS: dict[str, Option] = {option.name: option for option in _TABLE}
SECTIONS = (GENERAL, SERVING, AUTHENTICATION, SHARD, WORKSPACES, UNUSED)
