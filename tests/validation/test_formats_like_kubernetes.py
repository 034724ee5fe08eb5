"""String formats accept and refuse the same texts as Kubernetes: a few of each kind, and ones like them, spoilt."""

from random import Random

import pytest
from featured_definitions import definition
from support.random_objects import BY_FORMAT
from support.validation_peer import Question
from support.validation_questions import differences

MORE = {
    "date": ("2024-02-29", "2023-02-29", "0000-02-29", "2026-11-31"),
    "date-time": (
        "2026-11-21T10:00:00ztx",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:00:00+0100",
        "2026-11-21T10:00:00x5Z",
    ),
    "duration": ("", "0", "+5s", "5.s", "1h1", "in 3 hours!", "99999999999999999999 s", "3 minx", "3 sx", "1d", "1 Wk"),
    "ipv4": ("1.2.3", "1.2.3.256", "::1.2.3.4", "1.2.3.4 ", "1.2.3.04"),
    "ipv6": ("::", "1::2::3", "1:2:3:4:5:6:7:8", "00001::", "::1.2.3.4", "::1.2.3.04", "1:2:3:4:5:6:7::"),
    "cidr": ("1.2.3.4/", "1.2.3.4/-1", "::1/129", "00001::/3", "1.2.3.04/3", "::1/ 3"),
    "uri": (
        "",
        "*",
        ":x",
        "a:",
        "a:b c",
        "//h",
        "http://",
        "http://h:",
        "http://h:x",
        "http://[::1",
        "http://h/%4",
        "http:/p",
        "http://u:p@h",
        "http://u<@h",
        "http://[1.2.3.4]",
        "http://a[b]",
        "http://h:1:2",
        "x://h:1:2",
        "http://h%41",
        "/a?%z",
        "http://h^",
        "http://h\\",
        "http://h|",
        "http://h`",
        "http://h{",
        "http://[::1%25eth0]/",
        "http://%c3%a4",
        "a\x7f:b",
    ),
    "email": (
        "a.@b",
        ".a@b",
        "a..b@c",
        "a@b.",
        "a@[1.2.3.4]",
        "a@[x]",
        "A B <a@b>",
        '"A, B" <a@b>',
        "A:a@b;",
        "A:a@b,c@d;",
        "A:;",
        "a @b",
        "a@ b",
        "a b@c",
        '""@b',
        "a@b (c",
        "a@b (c\\)) ",
        "ä@ö",
        "(c) a@b",
        "a@b,",
        "A (c) <a@b>",
        "<a@b",
        "a",
        ".",
    ),
    "hostname": (
        "my-host",
        "a-b-c",
        "a-b.com",
        "a.b",
        "a.co",
        "a.c1",
        "-a.com",
        "a-.com",
        "a--b.com",
        "a..com",
        "€",
        "€.com",
    ),
    "uuid": ("123e4567-e89b-12d3-a456-42661417400g",),
    "mac": ("001122334455", "00:11:22-33:44:55", "0011.2233.4455.6677", "00:11:22:33:44:55:66:77", "00-11-22-33-44-5g"),
    "byte": ("YWJjYQ==", "YWJ=", "Y===", "YW J", "YWJjZA"),
    "rgbcolor": ("rgb(0,0,0)", "rgb(1,2)", "rgb(199,200,255)", "RGB(1,2,3)", "rgb( 1 ,2,3)"),
    "isbn": ("0-8044-2957-X", "080442957x", "9780306406157", "9780306406158"),
    "creditcard": (
        "5105105105105100",
        "378282246310005",
        "6011111111111117",
        "1234567812345670",
        "4111x1111y1111z1111",
    ),
    "ssn": ("111 11 1111", "111-11 1111", "1111111111x"),
    "k8s-short-name": ("a" * 63, "a" * 64, "a-"),
    "k8s-long-name": ("a" * 253, "a" * 254, "a.-b"),
}
VERSIONED = {
    "uuid3": "uuid",
    "uuid4": "uuid",
    "uuid5": "uuid",
    "isbn10": "isbn",
    "isbn13": "isbn",
    "datetime": "date-time",
}
UUIDS = tuple(f"123e4567-e89b-{version}2d3-{variant}456-426614174000" for version in "345" for variant in "7a")


def texts_like(form):
    """The examples of a format, and each of them with one character changed, doubled or dropped."""
    random = Random(form)
    form = VERSIONED.get(form, form)
    given = [*BY_FORMAT[form], *MORE.get(form, ()), *(UUIDS if form == "uuid" else ())]
    spoilt = list(given)
    for text in given * 6:
        if text:
            position = random.randrange(len(text))
            other = random.choice(("", text[position] * 2, *'0a.:-/@ Z[]<>%"(),;#?é'))
            spoilt.append(text[:position] + other + text[position + 1 :])
    return list(dict.fromkeys(spoilt))


@pytest.mark.parametrize("form", [*BY_FORMAT, *VERSIONED])
def test_texts_of_a_format(form):
    described = definition("text", {"type": "string", "format": form})
    metadata = {"name": "one", "namespace": "default"}
    asked = [
        Question(
            {"apiVersion": "example.dev/v1", "kind": "Text", "metadata": metadata, "spec": text},
            "texts.example.dev",
            "v1",
        )
        for text in texts_like(form)
    ]
    found = differences(described, asked)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:20])
