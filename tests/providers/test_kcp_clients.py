"""kcp's own typed clients, one set for all workspaces: made of its types, they say whether ours are the same."""


def test_from_a_new_workspace_to_the_view_of_what_it_binds(provide, multicluster):
    provider = provide()
    workspace = provider.workspace
    lines = {line["step"]: line for line in multicluster(workspace.kubeconfig, "clients").finish()}
    made = lines["workspace"]
    assert (made["event"], made["owner"], made["manager"]) == ("ADDED", "cellar", "tests")
    assert made["cluster"] == made["inside"]
    bound = lines["bound"]
    assert (bound["phase"], bound["ready"], bound["resource"]) == ("Bound", "True", "widgets")
    assert bound["from"] == workspace.cluster
    accepted = lines["accepted"]
    assert (accepted["claims"], accepted["conflict"], accepted["forbidden"]) == (1, True, True)
    view = lines["view"]
    assert view["identity"]
    assert view["bound"] == view["gone"] == made["cluster"]
