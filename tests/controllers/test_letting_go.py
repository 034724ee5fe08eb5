"""A controller that takes a finalizer off lets go of the object it has looked at, and of no other one."""

import pytest

from manifold.base.errors import StatusError
from manifold.controllers.emptying import letting_go

OWN = ("example.com/own",)


def obj(uid="1", *finalizers):
    metadata = {"name": "one", "uid": uid}
    return {"kind": "APIBinding", "metadata": {**metadata, **({"finalizers": list(finalizers)} if finalizers else {})}}


@pytest.mark.parametrize(
    ("live", "left"),
    [
        (obj("1", *OWN), obj("1")),
        (obj("1", "example.com/other", *OWN), obj("1", "example.com/other")),
        (obj("1"), obj("1")),
    ],
)
def test_its_own_finalizer_goes(live, left):
    assert letting_go(obj("1", *OWN), OWN)(live) == left


def test_the_next_one_of_its_name_keeps_it():
    with pytest.raises(StatusError) as caught:
        letting_go(obj("1", *OWN), OWN)(obj("2", *OWN))
    assert caught.value.code == 409
