"""What entering a workspace does to the kubeconfig (section 7.1 of the tenancy reference).

The context `workspace.kcp.io/current` is the workspace one is in, `workspace.kcp.io/previous` the one before: named
contexts that users and scripts have made are never touched. Plain functions from a kubeconfig to a change of it.
"""

from __future__ import annotations

from dataclasses import replace

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.kubeconfig import Change, Entry, Kubeconfig, Values

CURRENT = "workspace.kcp.io/current"
PREVIOUS = "workspace.kcp.io/previous"


def pair(kubeconfig: Kubeconfig, context_name: str) -> tuple[Entry, Entry]:
    """A context and its cluster. Raises CommandError where one is missing."""
    if not context_name:
        raise CommandError("no current context is set: name a kubeconfig by KUBECONFIG, or a context by --context")
    context = kubeconfig.context(context_name)
    if context is None:
        raise CommandError(f'context "{context_name}" does not exist')
    cluster = kubeconfig.cluster(context.text("cluster"))
    if cluster is None:
        raise CommandError(f'cluster "{context.text("cluster")}" of context "{context_name}" does not exist')
    return context, cluster


def enter(kubeconfig: Kubeconfig, context_name: str, cluster: Values, context: Values) -> Change:
    """Make a copy of a context the current one, with these cluster and context values laid over it."""
    from_context, from_cluster = pair(kubeconfig, context_name)
    new_cluster = Entry(CURRENT, _over(from_cluster, cluster), from_cluster.directory)
    new_context = Entry(CURRENT, _over(from_context, {**context, "cluster": CURRENT}), from_context.directory)
    return _swapped(from_context, from_cluster, new_context, new_cluster)


def back(kubeconfig: Kubeconfig, context_name: str) -> Change:
    """Swap the current and the previous context. Raises CommandError where there is no previous one."""
    if kubeconfig.context(PREVIOUS) is None:
        raise CommandError("no previous workspace found in kubeconfig")
    context, cluster = pair(kubeconfig, PREVIOUS)
    to_context, to_cluster = replace(context, name=CURRENT), None
    if cluster.name == PREVIOUS:
        to_context = replace(to_context, values={**context.values, "cluster": CURRENT})
        to_cluster = replace(cluster, name=CURRENT)
    return _swapped(*pair(kubeconfig, context_name), to_context, to_cluster)


def named(kubeconfig: Kubeconfig, context_name: str, name: str, cluster: Values, switch: bool) -> Change:
    """A copy of a context under a name of its own, with a cluster of that name, and these cluster values over it."""
    from_context, from_cluster = pair(kubeconfig, context_name)
    return Change(
        clusters=[Entry(name, _over(from_cluster, cluster), from_cluster.directory)],
        contexts=[Entry(name, _over(from_context, {"cluster": name}), from_context.directory)],
        current_context=name if switch else "",
    )


def _over(entry: Entry, values: Values) -> Values:
    """The values of an entry with others laid over; an empty one takes a value away."""
    return {key: value for key, value in {**entry.values, **values}.items() if value != ""}


def _swapped(from_context: Entry, from_cluster: Entry, to_context: Entry, to_cluster: Entry | None) -> Change:
    """The old context kept as the previous one; its cluster is copied only if the new one would overwrite it."""
    previous = replace(from_context, name=PREVIOUS)
    clusters = [to_cluster] if to_cluster else []
    if from_cluster.name in (CURRENT, PREVIOUS):
        previous = replace(previous, values={**from_context.values, "cluster": PREVIOUS})
        clusters.append(replace(from_cluster, name=PREVIOUS))
    return Change(clusters=clusters, contexts=[previous, to_context], current_context=CURRENT)
