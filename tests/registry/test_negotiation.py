"""Which form an Accept header gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base.errors import StatusError
from manifold.server.negotiation import Accepted, negotiate, refusal_media

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Accepted()),
        ("*/*", Accepted()),
        (JSON, Accepted()),
        ("APPLICATION/JSON", Accepted()),
        (YAML, Accepted(YAML)),
        (f"{PROTOBUF},{JSON}", Accepted()),
        (f"{PROTOBUF}, */*", Accepted()),
        (KUBECTL, Accepted(JSON, "table")),
        (TABLE.replace(";", " ; "), Accepted(JSON, "table")),
        (TABLE.replace("v1", "v2") + "," + JSON, Accepted()),
        (TABLE.replace("meta.k8s.io", "other") + "," + YAML, Accepted(YAML)),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", Accepted(JSON, "metadata")),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Accepted(JSON, "metadata", True)),
        ("application/json;pretty=1", Accepted(pretty=True)),
        ("application/json;pretty=0", Accepted()),
        ("text/html,application/json;q=0.9", Accepted()),
        ("application/json;q=0.5,application/yaml", Accepted(YAML)),
        ("application/json;q=nonsense", Accepted()),
        (",,application/json,", Accepted()),
    ],
)
def test_forms(accept, expected):
    assert negotiate(accept) == expected


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "image/png,text/*", PROTOBUF, TABLE.replace("v1", "v9")])
def test_forms_that_cannot_be_had(accept):
    with pytest.raises(StatusError) as raised:
        negotiate(accept)
    assert (raised.value.code, raised.value.reason) == (406, "NotAcceptable")


METADATA = "as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROTOBUF, Accepted(PROTOBUF)),
        (f"{PROTOBUF},{JSON}", Accepted(PROTOBUF)),
        (f"{JSON},{PROTOBUF}", Accepted()),
        (f"{PROTOBUF};q=0.8,{JSON}", Accepted()),
        (f"{PROTOBUF}, */*", Accepted(PROTOBUF)),
        ("*/*", Accepted()),
        (f"{PROTOBUF};stream=watch, {PROTOBUF}", Accepted(PROTOBUF)),
        (f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io,{TABLE}", Accepted(JSON, "table")),
        (f"{PROTOBUF};{METADATA},{JSON};{METADATA},{JSON}", Accepted(PROTOBUF, "metadata")),
    ],
)
def test_types_with_a_message(accept, expected):
    assert negotiate(accept, protobuf=True) == expected


def test_types_without_a_message_have_metadata_in_protobuf():
    assert negotiate(f"{PROTOBUF};{METADATA},{JSON}") == Accepted(PROTOBUF, "metadata")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("text/html", JSON),
        ("*/*", JSON),
        (PROTOBUF, PROTOBUF),
        (f"{PROTOBUF},{JSON}", PROTOBUF),
        (f"{PROTOBUF};{METADATA},{YAML}", YAML),
        (f"{PROTOBUF};{METADATA}", JSON),
        (YAML, YAML),
    ],
)
def test_refusals_come_in_what_is_asked_for_first(accept, media):
    assert refusal_media(accept) == media


@given(
    st.lists(st.sampled_from([JSON, YAML, PROTOBUF, "*/*", TABLE, "text/html", "a", ";", ";q=", "=", ""])).map(",".join)
)
def test_any_header_gets_a_form_or_a_refusal(accept):
    try:
        found = negotiate(accept).media
    except StatusError as refused:
        found = refused.code
    assert found in (JSON, YAML, 406)
