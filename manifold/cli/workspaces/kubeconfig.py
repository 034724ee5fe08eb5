"""The kubeconfig: which files it is made of, what is in force, and changes to it.

Guarantees, which are kubectl's: `--kubeconfig` names one file; else KUBECONFIG lists files, of which the first to
mention something decides; else it is `~/.kube/config`. A changed entry is written to the file it came from, a new one
and the current context to the first file that exists. Writers lock each other out by `<file>.lock`, read again under
the lock, and replace a file in one step, with its mode. What this program does not know stays as it is in the file:
keys, order, and the text of scalars (a number that a tool forgot to quote is the same text afterwards), but not
comments.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifold.cli.workspaces.failures import CommandError

Values = dict[str, Any]
"""The inside of a cluster, context or user entry: YAML data of any shape, for others' keys are in it, too."""
KINDS = {"clusters": "cluster", "contexts": "context", "users": "user"}
"""The lists of a kubeconfig, and under which key an entry has its values."""
PATHS = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
    "contexts": (),
}
"""The values that are paths, relative to the file they stand in."""
LOCK_PATIENCE = 5.0
"""Seconds to wait for another writer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A named cluster, context or user, and the directory that its relative paths start at."""

    name: str
    values: Values
    directory: Path

    def text(self, key: str) -> str:
        """A value that is text; empty where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def path(self, key: str) -> str:
        """A value that is a path, made absolute; empty where there is none."""
        value = self.text(key)
        return str(self.directory / value) if value else ""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """All files as one: by list and by name what is in force."""

    entries: Mapping[str, Mapping[str, Entry]]
    current_context: str

    def cluster(self, name: str) -> Entry | None:
        """The cluster of that name."""
        return self.entries["clusters"].get(name)

    def context(self, name: str) -> Entry | None:
        """The context of that name."""
        return self.entries["contexts"].get(name)

    def user(self, name: str) -> Entry | None:
        """The user of that name."""
        return self.entries["users"].get(name)


@dataclass(frozen=True, slots=True)
class Change:
    """Entries to put in place of those of the same name, or beside the others; `current_context` if not empty."""

    clusters: Sequence[Entry] = ()
    contexts: Sequence[Entry] = ()
    current_context: str = ""
    entries: Mapping[str, Sequence[Entry]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", {"clusters": self.clusters, "contexts": self.contexts})


@dataclass(frozen=True, slots=True)
class Files:
    """The files a kubeconfig is made of, the first one deciding; `explicit`: the one must exist."""

    paths: tuple[Path, ...]
    explicit: bool = False

    def load(self) -> Kubeconfig:
        """Read them. Raises CommandError for a file that is no kubeconfig."""
        return _merged(self._read())

    def change(self, decide: Callable[[Kubeconfig], Change]) -> None:
        """Read under the lock, let `decide` say what shall be, and write the files in which something differs.

        Raises CommandError for what cannot be read or written, and whatever `decide` raises; nothing is changed then.
        """
        with contextlib.ExitStack() as locks:
            for path in sorted(set(self.paths)):
                if path.parent.is_dir() or path == self._new_entries_go_to():
                    locks.enter_context(_locked(path))
            documents = self._read()
            change = decide(_merged(documents))
            for path, document in self._applied(documents, change).items():
                _write(path, document)

    def _read(self) -> dict[Path, Values]:
        documents = {}
        for path in self.paths:
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                if self.explicit:
                    raise CommandError(f"{path}: no such file or directory") from None
                continue
            except OSError as error:
                raise CommandError(f"{path}: {(error.strerror or str(error)).lower()}") from None
            documents[path] = _document(path, content)
        return documents

    def _new_entries_go_to(self) -> Path:
        return next((path for path in self.paths if path.exists()), self.paths[-1])

    def _applied(self, documents: Mapping[Path, Values], change: Change) -> dict[Path, Values]:
        """The new content of the files that change."""
        chief = self._new_entries_go_to()
        changed: dict[Path, Values] = {}

        def open_for_change(path: Path) -> Values:
            if path not in changed:
                changed[path] = dict(documents.get(path) or {"apiVersion": "v1", "kind": "Config"})
            return changed[path]

        for kind, entries in change.entries.items():
            for entry in entries:
                home = next((path for path, found in documents.items() if entry.name in _names(found, kind)), chief)
                document = open_for_change(home)
                item = {"name": entry.name, KINDS[kind]: _moved(entry, kind, home.parent)}
                items = list(document.get(kind) or ())
                position = next((at for at, each in enumerate(items) if each.get("name") == entry.name), len(items))
                old = items[position] if position < len(items) else {}
                items[position : position + 1] = [{**old, **item}]
                document[kind] = items
        if change.current_context and change.current_context != _merged(documents).current_context:
            open_for_change(chief)["current-context"] = change.current_context
        return {path: document for path, document in changed.items() if document != documents.get(path)}


def locate(explicit: str, environment: Mapping[str, str]) -> Files:
    """Which files are meant: `explicit` is the value of --kubeconfig, or empty."""
    if explicit:
        return Files((Path(explicit).absolute(),), explicit=True)
    listed = [Path(path).absolute() for path in environment.get("KUBECONFIG", "").split(os.pathsep) if path]
    if listed:
        return Files(tuple(dict.fromkeys(listed)))
    return Files((Path(environment.get("HOME") or Path.home()) / ".kube" / "config",))


def _merged(documents: Mapping[Path, Values]) -> Kubeconfig:
    entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
    current = ""
    for path, document in documents.items():
        current = current or document.get("current-context") or ""
        for kind, key in KINDS.items():
            for item in document.get(kind) or ():
                name = item["name"]
                entries[kind].setdefault(name, Entry(name, item.get(key) or {}, path.parent))
    return Kubeconfig(entries, current)


def _names(document: Values, kind: str) -> set[str]:
    return {item["name"] for item in document.get(kind) or ()}


def _moved(entry: Entry, kind: str, directory: Path) -> Values:
    """The values for a file in `directory`: relative paths must go on leading to the same files."""
    values = dict(entry.values)
    if directory != entry.directory:
        for key in PATHS[kind]:
            if entry.text(key):
                values[key] = entry.path(key)
    return values


class _Plain(str):
    """A scalar that is neither text nor a truth value, as it is written: it must not be changed by passing through."""

    tag: str


def _document(path: Path, content: bytes) -> Values:
    """A parsed file, checked as far as this program goes into it."""
    import yaml

    class Loader(yaml.CSafeLoader):
        pass

    def plain(_: yaml.CSafeLoader, node: yaml.Node) -> _Plain:
        kept = _Plain(node.value)
        kept.tag = node.tag
        return kept

    for tag in ("int", "float", "timestamp", "binary"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", plain)
    try:
        document = yaml.load(content, Loader=Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        text = " ".join(str(error).split())
        raise CommandError(f'error loading config file "{path}": {text}') from None
    if document is None:
        return {}
    wrong = CommandError(f'error loading config file "{path}": it is no kubeconfig')
    if not isinstance(document, dict) or not isinstance(document.get("current-context") or "", str):
        raise wrong
    for kind, key in KINDS.items():
        items = document.get(kind) or ()
        if not isinstance(items, list | tuple):
            raise wrong
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get(key) or {}, dict):
                raise wrong
            if not isinstance(item.get("name"), str):
                raise wrong
    return document


def _dumped(document: Values) -> bytes:
    import yaml

    class Dumper(yaml.CSafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    Dumper.add_representer(_Plain, lambda dumper, data: dumper.represent_scalar(data.tag, str(data)))
    # Shared parts are written out: a copied entry is an entry of its own, and users need not wonder at anchors.
    text: bytes = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=2**31 - 1,
        encoding="utf-8",
    )  # fmt: skip
    return text


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold kubectl's lock on a file of the kubeconfig."""
    lock = path.with_name(path.name + ".lock")
    give_up = time.monotonic() + LOCK_PATIENCE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
            except FileExistsError:
                if time.monotonic() > give_up:
                    raise CommandError(
                        f"{path} is locked by another program; delete {lock} if none is running"
                    ) from None
                time.sleep(0.02)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):  # nobody with our rights can replace the file
            yield
            return
        raise CommandError(f"{lock}: {(error.strerror or str(error)).lower()}") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _write(path: Path, document: Values) -> None:
    """Replace a file (through a link, if it is one) in one step; a new one is its owner's alone."""
    import tempfile

    try:
        content = _dumped(document)
    except RecursionError:
        raise CommandError(f"{path} cannot be written: something in it contains itself") from None
    target = path.resolve()
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if target.exists():
                status = target.stat()
                os.fchmod(file.fileno(), status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()):
                    with contextlib.suppress(PermissionError):
                        os.fchown(file.fileno(), status.st_uid, status.st_gid)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None
