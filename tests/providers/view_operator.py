"""An operator with kopf over all consumers of an export; `kopf run` with the view's URL in $VIEW.

It tells on stdout what each handler is called with. Handlers of events need nothing written; the one of creations
makes kopf keep its progress in the object, which it writes where it watches.
"""

import dataclasses
import os

import kopf


@kopf.on.login()
def login(**given):
    """As the provider, whose kubeconfig says who that is, and at the view."""
    return dataclasses.replace(kopf.login_with_kubeconfig(**given), server=f"{os.environ['VIEW']}/clusters/*")


@kopf.on.startup()
def configure(settings, **_):
    settings.posting.enabled = False
    settings.networking.error_backoffs = [0.1]


@kopf.on.event("example.com", "v1", "widgets")
def heard(type, meta, **_):
    print("heard", type or "INITIAL", meta["annotations"]["kcp.io/cluster"], meta["name"], flush=True)


if os.environ.get("CREATIONS"):

    @kopf.on.create("example.com", "v1", "widgets")
    def created(name, **_):
        print("created", name, flush=True)
        return {"done": True}
