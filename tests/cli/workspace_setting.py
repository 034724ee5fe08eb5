"""A kubeconfig that a test changes before it runs the workspace commands with it. For tests of this folder."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml
from support.server import kubectl


@dataclass
class Setting:
    """A kubeconfig with one context, to be changed by a test: the values of its cluster and its user."""

    path: Path
    cluster: dict = field(default_factory=dict)
    user: dict = field(default_factory=dict)

    def ws(self, *arguments, **options):
        """Run `kubectl ws`."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": self.cluster}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": self.user}],
        }
        self.path.write_text(yaml.safe_dump(document))
        return kubectl("ws", *arguments, kubeconfig=self.path, check=False, **options)


IN_ROOT = "Current workspace is 'root' (type root).\n"
