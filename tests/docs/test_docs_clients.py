"""The page of clients names the versions that are tested, and shows Go that is part of a tested program."""

import json
import re

import pytest
from documents import ROOT, blocks, text

PAGE = ROOT / "docs" / "clients.md"
_ROW = re.compile(r"^\| \[?([\w@/-]+)\]?(?:\([^)]*\))? \| ([\d.]+) \|", re.M)


def _go(module: str, required: str) -> str:
    (found,) = re.findall(rf"^\s*(?:require )?{re.escape(required)} v(\S+)", (ROOT / module).read_text(), re.M)
    return found


def _locked(package: str) -> str:
    (found,) = re.findall(rf"^{package}==(\S+)$", text("requirements-development.lock"), re.M)
    return found


def _tested() -> dict[str, str]:
    packages = json.loads(text("tests/clients/javascript/package-lock.json"))["packages"]
    javascript = "@kubernetes/client-node"
    return {
        "kubectl": _go("tests/tools/go.mod", "k8s.io/kubectl"),
        "client-go": _go("tests/go_client/go.mod", "k8s.io/client-go"),
        "controller-runtime": _go("tests/clients/go.mod", "sigs.k8s.io/controller-runtime"),
        "Helm": _go("tests/clients/go.mod", "helm.sh/helm/v4"),
        "multicluster-provider": _go("tests/providers/multicluster/go.mod", "github.com/kcp-dev/multicluster-provider"),
        "kcp-dev/sdk": _go("tests/providers/multicluster/go.mod", "github.com/kcp-dev/sdk"),
        **{package: _locked(package) for package in ("kopf", "kubernetes", "kubernetes-asyncio", "kr8s", "lightkube")},
        javascript: packages[f"node_modules/{javascript}"]["version"],
    }


def test_versions_are_those_of_the_tests():
    assert dict(_ROW.findall(PAGE.read_text())) == _tested()


@pytest.mark.parametrize("block", [one for one in blocks(PAGE) if one.language == "go"], ids=lambda one: str(one.line))
def test_go_is_part_of_a_tested_program(block):
    programs = (ROOT / "tests" / "clients" / "controller", ROOT / "tests" / "providers" / "multicluster")
    written = "".join(source.read_text() for program in programs for source in program.glob("*.go"))
    assert "\n".join(block.lines) in written
