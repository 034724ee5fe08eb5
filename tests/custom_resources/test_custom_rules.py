"""Rules in CEL are kept and not enforced, and nobody is left to believe otherwise."""

import json

from custom_definitions import DEFINITIONS, conditions, definition, instance, version
from support.server import running_server

RULED = version(
    spec={
        "type": "object",
        "properties": {"size": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.size > 1", "message": "too small"}],
    }
)


def test_rules_are_kept_with_a_warning(workspace):
    done = workspace.kubectl("apply", "-f", "-", input=json.dumps(definition(versions=[RULED])))
    assert "Warning: this server keeps rules in CEL (x-kubernetes-validations) and does not enforce them" in done.stderr
    found = workspace.request("GET", f"{DEFINITIONS}/widgets.example.dev")[1]
    assert conditions(found)["RulesEnforced"] == ("False", "RulesNotEnforced")
    assert conditions(found)["Established"][0] == "True"
    path = "/apis/example.dev/v1/namespaces/default/widgets"
    assert workspace.request("POST", path, instance(spec={"size": 1}))[0] == 201
    found["spec"]["versions"] = [version()]
    assert "RulesEnforced" not in conditions(workspace.request("PUT", f"{DEFINITIONS}/widgets.example.dev", found)[1])


def test_rules_are_refused_where_that_is_wished(tmp_path):
    with running_server(tmp_path, "--refuse-unenforced-rules", "true") as server:
        made = server.create_workspace(directory=tmp_path)
        status, found = made.request("POST", DEFINITIONS, definition(versions=[RULED]))
        assert status == 422
        assert "spec.versions[0].schema.openAPIV3Schema: Forbidden: this server does not enforce" in found["message"]
        assert made.request("POST", DEFINITIONS, definition())[0] == 201
