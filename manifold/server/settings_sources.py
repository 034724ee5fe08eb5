"""Where settings come from beside flags: a YAML file and the environment.

Guarantees: a name that is no setting is refused with the nearest one that is, because a misspelt setting that is
silently ignored is found out in production. The environment is shared with others, so two kinds of `MANIFOLD_*` are
left alone: what Kubernetes puts into every container beside a Service named `manifold...`, and `MANIFOLD_SHARED`, which
the project's own tests use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from manifold.server.settings_options import OPTIONS

PREFIX = "MANIFOLD_"
_SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|^MANIFOLD(_[A-Z0-9_]+)?_PORT(_[0-9]+_.*)?$")
_FOREIGN = {"MANIFOLD_SHARED"}
_VARIABLES = {option.variable: option.name for option in OPTIONS.values()}
_LARGEST_FILE = 1 << 20


class SettingsError(Exception):
    """A setting is wrong. The message is one line: what is wrong and how to mend it."""


def from_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The settings in `environment`: name to (text, variable). An empty variable counts as not set."""
    found = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text:
            continue
        name = _VARIABLES.get(variable)
        if name is not None:
            found[name] = (text, variable)
        elif variable not in _FOREIGN and not _SERVICE_LINK.search(variable):
            raise SettingsError(f"{variable} is no setting{nearest(variable, _VARIABLES)}")
    return found


def from_file(path: Path) -> dict[str, tuple[str, str]]:
    """The settings in the YAML file at `path`: name to (text, where). Lists and maps become the flags' spelling."""
    import yaml

    class Loader(yaml.CSafeLoader):
        """Refuses a key that is there twice, where YAML's own reader would keep the last."""

    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"--config: cannot read {path}: {error.strerror}; name a file that is there") from None
    if len(content) > _LARGEST_FILE:
        raise SettingsError(f"--config: {path} is larger than 1 MiB; this is no file of settings")
    try:
        node = yaml.compose(content, Loader=Loader)
        document = yaml.load(content, Loader=Loader) if node is not None else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"--config: {path} is no YAML: {reason}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"--config: {path} must be a map of settings such as `secure-port: 6443`")
    if node is not None:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise SettingsError(f"--config: {path} sets {key} more than once; keep one")
    found = {}
    for key, value in document.items():
        if key == "config":
            raise SettingsError(f"--config: {path} cannot name another file of settings; remove the key config")
        option = OPTIONS.get(key) if isinstance(key, str) else None
        if option is None:
            raise SettingsError(f"--config: {path}: {key} is no setting{nearest(str(key), OPTIONS)}")
        found[option.name] = (_text(value, f"{path}: {key}"), f"{path}: {key}")
    return found


def nearest(word: str, words: Mapping[str, object]) -> str:
    """The end of a sentence that says a word is not known: the nearest known one, or where to find them all."""
    import difflib  # only a mistake needs it

    close = difflib.get_close_matches(word, words, 1, 0.75)
    return f"; did you mean {close[0]}?" if close else "; `manifold start options` shows them all"


def _text(value: object, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, list):
        return ",".join(_text(item, where) for item in value if _single(item, where))
    if isinstance(value, dict):
        return ",".join(f"{name}={_text(item, where)}" for name, item in value.items() if _single(item, where))
    raise SettingsError(f"{where}: must be a text, a number, true, false or a list of these")


def _single(value: object, where: str) -> bool:
    if isinstance(value, str | int) and "," not in str(value):
        return True
    raise SettingsError(f"{where}: an entry must be a plain word, number, true or false")
