"""Metadata of one object and of a list are forms of their own: who asks for the wrong one is told."""

import pytest
from things import DEFINITION, THING

FORM = "application/json;as={};g=meta.k8s.io;v=v1"
ONE, LIST = "PartialObjectMetadata", "PartialObjectMetadataList"


@pytest.mark.parametrize(
    ("path", "name", "package", "kind"),
    [
        ("/api/v1/namespaces", "default", "core", "Namespace"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "workspace-admin", "rbac", "ClusterRoleBinding"),
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "things.example.dev",
            "apiextensions",
            "CustomResourceDefinition",
        ),
        ("/apis/example.dev/v1/things", "one", "unstructured", "Unstructured"),
    ],
)
def test_the_form_fits_what_is_asked_for(workspace, path, name, package, kind):
    workspace.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION)
    workspace.request("POST", "/apis/example.dev/v1/things", THING)
    one, listed = ({"headers": {"Accept": FORM.format(form)}} for form in (ONE, LIST))
    assert workspace.request("GET", f"{path}/{name}", **one)[1]["kind"] == ONE
    assert workspace.request("GET", path, **listed)[1]["kind"] == LIST
    status, refused = workspace.request("GET", f"{path}/{name}", **listed)
    assert (status, refused.get("message")) == (
        406,
        f"you requested {LIST}, but the requested object is not a list (*{package}.{kind})",
    )
    status, refused = workspace.request("GET", path, **one)
    assert (status, refused["message"]) == (
        406,
        f"you requested {ONE}, but the requested object is a list (*{package}.{kind}List)",
    )
