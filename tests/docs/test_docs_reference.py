"""What the code offers is described, and what is described is there: flags, routes, types, refusals, metrics.

The sets come from the code and from a running server, so a new flag or metric fails here until a document names it.
"""

import ast
import importlib
import pkgutil
import re

import pytest
from documents import ROOT, code_words, text
from support.server import running_server

from manifold import controllers
from manifold.base import errors
from manifold.registry import lists, patch, watch
from manifold.schema import bodies
from manifold.schema.json_documents import MAXIMUM_DEPTH
from manifold.server import responses, transport
from manifold.server.health import KINDS
from manifold.server.process_metrics import MAX_RESOURCES
from manifold.server.request import MAX_BODY
from manifold.server.settings_options import OPTIONS
from manifold.storage.contract import MAX_BYTES, MAX_GUARDS, MAX_WRITES
from manifold.views.paths import ROUTES

API = "docs/api.md"
SOURCES = sorted((ROOT / "manifold").rglob("*.py"))
_TABLE_ROW = re.compile(r"^\| (\d{3}) \| `(\w+)` \|", re.M)


def _names_in(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _refusals() -> set[tuple[int, str]]:
    """Every code and reason the code can refuse with."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _names_in(node.func) == "StatusError" and len(node.args) >= 3:
                code, reason = node.args[:2]
                assert isinstance(code, ast.Constant), f"{path}:{node.lineno}: a code that cannot be read"
                assert isinstance(reason, ast.Constant), f"{path}:{node.lineno}: a reason that cannot be read"
                found.add((code.value, reason.value))
    return found


def _parameters() -> set[str]:
    """Every query parameter the code reads."""
    found: set[str] = set()
    for path in SOURCES:
        source = path.read_text()
        found.update(re.findall(r'\b(?:first|boolean|integer)\((?:request\.)?query, "(\w+)"', source))
        found.update(re.findall(r'\bquery(?:\.get\(|\[)"(\w+)"', source))
        found.update(re.findall(r'"(\w+)" in (?:self\.)?query\b', source))
    return found


def test_every_flag_is_described():
    described = text("docs/settings.md")
    missing = [name for name in OPTIONS if f"--{name}" not in described and f"-{name}" not in described]
    assert not missing


def test_every_refusal_is_described():
    made = _refusals()
    assert len(made) > 15
    described = {(int(code), reason) for code, reason in _TABLE_ROW.findall(text(API))}
    assert {one for one in made if one[1]} - described == set()
    assert described - made == set()


def test_refusals_are_read_from_the_code_rightly():
    assert {(404, "NotFound"), (409, "Conflict"), (504, "Timeout")} <= _refusals()
    assert errors.not_found("", "configmaps", "a").reason == "NotFound"


def test_every_parameter_is_described():
    parameters = _parameters()
    assert {"labelSelector", "resourceVersion", "dryRun", "watch", "includeObject"} <= parameters
    assert parameters - code_words(API) == set()


def test_every_media_type_is_described():
    media = {*patch.ALL_TYPES, *bodies.ACCEPTED}
    assert media - code_words(API) == set()


def test_every_route_of_the_process_is_described():
    words = code_words(API)
    assert {route for route in ROUTES if route not in words} == set()
    assert {f"/{kind}" for kind in KINDS} <= words


def test_every_path_of_a_workspace_is_described(workspace):
    status, answer = workspace.request("GET", "/")
    assert status == 200
    words = code_words(API)
    missing = []
    for path in answer["paths"]:
        group = re.fullmatch(r"/apis/([^/]+)", path)
        version = re.fullmatch(r"/apis/([^/]+/[^/]+)", path) or re.fullmatch(r"/api/(v1)", path)
        if group:
            there = any(word.startswith(f"{group[1]}/") for word in words)
        else:
            there = (version[1] if version else path) in words
        if not there:
            missing.append(path)
    assert not missing


def test_every_check_of_the_process_is_described(server):
    words = code_words(API)
    for kind in KINDS:
        status, listed = server.request("GET", f"/{kind}?verbose", user="")
        assert status == 200
        checks = re.findall(r"^\[\+\](\S+) ok$", listed, re.M)
        assert checks
        assert {f"/{kind}/{check}" for check in checks} - words == set()
    named = {word for word in words if re.fullmatch(rf"/(?:{'|'.join(KINDS)})/\w+", word)}
    for path in named:
        assert server.request("GET", path, user="")[0] == 200, f"{path} is described and not there"


@pytest.mark.parametrize("path", ["", "/clusters/root"])
def test_every_type_is_described(server, workspace, path):
    """Those of a universal workspace and of root: together all there are."""
    at = path or f"/clusters/{workspace.path}"
    described = _described_types()
    for root in ("/api", "/apis"):
        headers = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
        status, answer = server.request("GET", at + root, headers=headers)
        assert status == 200
        for group in answer["items"]:
            for version in group["versions"]:
                name = group["metadata"].get("name") or ""
                served = {one["resource"] for one in version["resources"]}
                where = f"{name}/{version['version']}" if name else version["version"]
                assert served - described.get(where, set()) == set(), where


def test_described_types_are_there(server):
    """Whatever the table names can be listed, or, as reviews, at least is no 404."""
    for where, resources in _described_types().items():
        base = f"/api/{where}" if "/" not in where else f"/apis/{where}"
        for resource in resources:
            status, _ = server.request("GET", f"/clusters/root{base}/{resource}")
            assert status in (200, 405), f"{where} {resource}"


def _described_types() -> dict[str, set[str]]:
    section = text(API).split("\n## Types\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.M)
    return {where: set(re.findall(r"`(\w+)`", cells)) for where, cells in rows}


def test_every_metric_is_described_and_there(server):
    status, exposed = server.request("GET", "/metrics")
    assert status == 200
    there = set(re.findall(r"^# TYPE (\S+) \w+$", exposed, re.M))
    described = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text("docs/metrics.md"), re.M))
    assert there == set(described)
    for name, kind in described.items():
        assert f"# TYPE {name} {kind}\n" in exposed
    prefixes = r"(?:apiserver|manifold|process|python)_\w+"
    named = {word for word in code_words("docs/operations.md") if re.fullmatch(prefixes, word)}
    assert named
    assert named <= there


def test_every_label_of_a_metric_is_described(server):
    _, exposed = server.request("GET", "/metrics")
    labels = set(re.findall(r'[{,](\w+)="', exposed)) - {"le"}
    assert labels
    assert labels <= code_words("docs/metrics.md")


def test_every_controller_is_described():
    """By the name its work rows are kept under."""
    names = set()
    for module in pkgutil.iter_modules(controllers.__path__):
        for one in vars(importlib.import_module(f"manifold.controllers.{module.name}")).values():
            if isinstance(one, type) and hasattr(one, "reconcile") and isinstance(vars(one).get("name"), str):
                names.add(vars(one)["name"])
    section = text("docs/architecture.md").split("\n## Work rows and controllers\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == names


def test_every_layer_is_described():
    contract = (ROOT / "pyproject.toml").read_text().split("layers = [")[1].split("]")[0]
    layers = re.findall(r'"manifold\.(\w+)"', contract)
    shown = re.findall(
        r"^  (\w+) {2,}\S", text("docs/architecture.md").split("```text\nmanifold/\n")[1].split("```")[0], re.M
    )
    assert shown == layers


def test_the_change_log_has_this_version():
    from manifold import __version__

    assert f"\n## [{__version__}]" in text("CHANGELOG.md")
    assert "\n## [Unreleased]" in text("CHANGELOG.md")


def test_every_file_of_the_root_directory_is_described(tmp_path):
    """With its mode, on the line that names it."""
    rows = re.findall(r"^\| (`.+?) \| ([\d, ]+) \|", text("docs/operations.md").split("\n## Files\n")[1], re.M)
    described = {}
    for names, modes in rows:
        files, listed = re.findall(r"`([^`]+)`", names), modes.split(", ")
        described.update(zip(files, listed * len(files) if len(listed) == 1 else listed, strict=False))
    with running_server(tmp_path) as running:
        there = {path.name: f"{path.stat().st_mode & 0o777:04o}" for path in running.root.iterdir()}
        assert running.root.stat().st_mode & 0o777 == 0o700
    assert there == described


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("docs/operations.md", f"| body of a request | {MAX_BODY >> 20} MiB |"),
        ("docs/operations.md", f"| request line and headers | {transport.HEAD_LIMIT >> 10} KiB |"),
        ("docs/operations.md", f"| depth of a JSON body | {MAXIMUM_DEPTH} levels |"),
        ("docs/operations.md", f"| operations of a JSON patch | {bodies.MAXIMUM_OPERATIONS:,} |"),
        ("docs/operations.md", f"| unsent bytes of a watch | {watch.MAX_WAITING >> 20} MiB |"),
        (
            "docs/operations.md",
            f"closed after {transport.HEAD_SECONDS:.0f}, {transport.BODY_SECONDS:.0f}, {transport.IDLE_SECONDS:.0f} "
            f"and {transport.STALLED_SECONDS:.0f} seconds",
        ),
        (API, f"no more than {lists.COUNT_LIMIT:,} remain"),
        (API, f"above {responses.GZIP_FROM >> 10} KiB are compressed"),
        (API, f"waited for up to {lists.WAIT_SECONDS:.0f} s"),
        (API, f"lets {watch.MAX_WAITING >> 20} MiB wait"),
        ("docs/architecture.md", f"at most {MAX_WRITES} writes, {MAX_GUARDS} guards and {MAX_BYTES >> 20} MiB"),
        ("docs/architecture.md", f"in pages of {lists.PAGE} from one snapshot"),
        ("docs/metrics.md", f"{MAX_RESOURCES} combinations, then `other`"),
    ],
)
def test_figures_are_those_of_the_code(document, said):
    assert " ".join(said.split()) in " ".join(text(document).split())
