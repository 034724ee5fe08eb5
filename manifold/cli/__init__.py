"""The `manifold` command, and the kubectl plugins made of the same code.

Promises: commands that need no server import none of it, so they answer at once; what goes wrong is one line on
stderr and an exit code. Must not know: the store; whatever it asks of a server goes over the wire, as any client's.
"""
