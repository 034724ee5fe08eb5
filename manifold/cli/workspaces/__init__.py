"""The workspace command line: `kubectl ws`, `kubectl create workspace` and `manifold ws`.

It is a client and nothing else: it knows kubeconfigs and the wire, and imports of the server no more than the grammar
of paths. Every command imports what it needs when it runs, because people type them all day: the aim is that a
command's own start-up is not felt.
"""
