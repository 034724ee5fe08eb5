"""JSON data as YAML the way Kubernetes writes it: keys sorted, and quotes where a reader could take a text for
something else.

YAML 1.1 reads `y`, `on` or `1` as booleans and numbers, so such texts are quoted with double quotes; texts of
several lines become literal blocks.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_ODD = frozenset(("y", "Y", "n", "N", "yes", "no", "on", "off", "true", "false", "null", "~", ""))


@cache
def _dumper() -> Any:  # a class made of PyYAML's, which is imported by the first who wants YAML
    import yaml

    class Dumper(yaml.CSafeDumper):
        """PyYAML's dumper with Kubernetes' choice of quotes."""

    def represent(dumper: Any, text: str) -> Any:
        style = None
        if text.lower() in _ODD or resolver.resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str":
            style = '"'
        elif "\n" in text:
            style = "|"
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    resolver: Any = yaml.resolver.Resolver()
    Dumper.add_representer(str, represent)
    return Dumper


def dump(value: Any) -> bytes:
    """JSON data (any shape) as YAML."""
    import yaml

    text: str = yaml.dump(
        value, Dumper=_dumper(), sort_keys=True, default_flow_style=False, allow_unicode=True, width=1 << 30
    )
    return text.encode()
