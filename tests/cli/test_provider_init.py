"""The folder for providers: what is written, under any name, is accepted by the server and passes its own tests.

That its controller works is tested in `tests/providers`.
"""

import subprocess
import sys

import pytest
import yaml
from support.server import kubectl

from manifold.cli.apis.snapshot import schema_of
from manifold.cli.provider.writing import DEFAULT, files, named
from manifold.cli.workspaces.failures import CommandError


def init(directory, *flags, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "manifold.cli.main", "provider", "init", *flags], capture_output=True, text=True,
        check=False, cwd=directory, env={"HOME": str(directory)},
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    ("flags", "api"),
    [
        ((), "widgets.example.com"),
        (("--group", "shop.example.org", "--kind", "Class"), "classes.shop.example.org"),
        (("--kind=Policy",), "policies.example.com"),
        (("--kind=Mouse", "--plural=mice"), "mice.example.com"),
    ],
)
def test_what_is_written_is_accepted_and_passes_its_own_tests(workspace, tmp_path, flags, api):
    done = init(tmp_path, "folder", *flags)
    assert done.stdout == f"{api} is in folder; begin with its README.md\n"
    folder = tmp_path / "folder"
    tested = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-m", "unittest", "discover", "tests"], cwd=folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stderr
    workspace.kubectl("apply", "-f", str(folder / "api" / "crd.yaml"), "--dry-run=server")
    for file in ("apiresourceschema", "apiexport", "consumers", "controller"):
        workspace.kubectl("apply", "-f", str(folder / "api" / f"{file}.yaml"))
    made = kubectl(
        "kcp", "crd", "snapshot", "-f", "api/crd.yaml", "--prefix", "v1", kubeconfig=tmp_path / "absent",
        directory=folder,
    )  # fmt: skip
    assert (
        made.stdout.removesuffix("---\n").rstrip() == (folder / "api" / "apiresourceschema.yaml").read_text().rstrip()
    )


def test_another_api_is_other_words_and_nothing_else():
    """No file is forgotten, and nothing of the words that are replaced is left."""
    before = {path.as_posix(): text for path, text in files(DEFAULT)}
    after = {path.as_posix(): text for path, text in files(named("a.b", "Zebra", ""))}
    assert {path.replace("zebra", "widget") for path in after} == before.keys() == {
        "README.md", "api/apiexport.yaml", "api/apiresourceschema.yaml", "api/consumers.yaml", "api/controller.yaml",
        "api/crd.yaml",
        "consumer/widget.yaml", "controller.py", "requirements.txt", "tests/test_controller.py", "view.py",
    }  # fmt: skip
    for path, text in after.items():
        assert "example.com" not in text, path
        assert "Widget" not in text, path
        assert not [line for line in text.splitlines() if "widgets" in line and "_widgets" not in line], path
    for path, text in before.items():
        if path.endswith(".yaml") and path != "api/apiresourceschema.yaml":
            assert (yaml.safe_load(next(iter(text.split("\n---\n")))) or {}).get("kind"), path


def test_the_schema_is_that_of_the_definition():
    written = {path.name: text for path, text in files(DEFAULT)}
    definition, schema = (yaml.safe_load(written[name]) for name in ("crd.yaml", "apiresourceschema.yaml"))
    assert schema == schema_of(definition, "v1")


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ((), "the directory to write is missing"),
        (("a", "b"), "accepts at most 1 arg(s), received 2"),
        (("full",), "full is there, and is no empty directory"),
        (("full/file",), "full/file is there, and is no empty directory"),
        (("full/file/below",), "full/file/below: not a directory"),
        (("new", "--kind", "lower"), '--kind must match ^[A-Z][A-Za-z0-9]{0,62}$, and "lower" does not'),
        (("new", "--plural", "Upper"), '--plural must match ^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$, and "Upper" does not'),
        (("new", "--group", "nodot"), "--group must match ^"),
        (("new", "--group", "my.kcp.io"), "the group my.kcp.io is reserved"),
    ],
)
def test_refusals(tmp_path, flags, error):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    done = init(tmp_path, *flags, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {error}")
    assert not (tmp_path / "new").exists()


def test_an_empty_directory_is_as_good_as_none(tmp_path):
    (tmp_path / "empty").mkdir()
    init(tmp_path, "empty")
    assert (tmp_path / "empty" / "controller.py").exists()


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("Widget", "widgets"), ("Box", "boxes"), ("Policy", "policies"), ("Key", "keys"), ("Match", "matches")],
)
def test_plurals(kind, plural):
    assert named("", kind, "").plural == plural


def test_groups_of_the_server_are_not_for_providers():
    with pytest.raises(CommandError, match="reserved"):
        named("k8s.io.k8s.io", "", "")
