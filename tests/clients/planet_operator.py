"""An operator for planets as users of kopf write one; run by `kopf run`."""

import kopf
from kubernetes import client, config


@kopf.on.startup()
def connect(**_):
    config.load_kube_config()


@kopf.on.create("planets")
def chart(spec, name, namespace, body, **_):
    """Write a chart that goes with the planet."""
    data = {"moons": ",".join(spec.get("moons", []))}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-chart"}, "data": data}
    kopf.adopt(made, owner=body)
    client.CoreV1Api().create_namespaced_config_map(namespace, made)
    kopf.info(body, reason="Charted", message=f"{name} is on a chart")
    return {"map": f"{name}-chart"}


@kopf.on.update("planets", field="spec.moons")
def count(old, new, patch, **_):
    patch.status["discovered"] = sorted(set(new or ()) - set(old or ()))


@kopf.on.resume("planets")
def resumed(patch, **_):
    patch.status["resumed"] = True


@kopf.timer("planets", interval=0.3)
def orbit(status, patch, **_):
    patch.status["orbits"] = status.get("orbits", 0) + 1


@kopf.daemon("planets", labels={"observed": "yes"})
async def observe(stopped, logger, **_):
    logger.info("the observer is there")
    await stopped.wait()
    logger.info("the observer is gone")


@kopf.on.delete("planets")
def depart(retry, logger, **_):
    if retry == 0:
        raise kopf.TemporaryError("not yet", delay=0.2)
    logger.info("departed")
