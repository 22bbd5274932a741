"""What credentials are made of: read from whoever gives them, or refused."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.federation.catalogue.credential_rule import KINDS
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.vault.credentials.material import (
    ApiKey,
    Given,
    ServiceAccount,
    UserPassword,
    account_of,
    from_text,
    kind_of,
    lasting_of,
    read_key_file,
    read_material,
    struck_with,
    to_text,
    told_of,
)
from tests.giving import ROBOT, key_file, material, signing_key

RSA, _ = signing_key()
EC, _ = signing_key("ec")
NO_FILES = ("", "{", "[]", "7", "[" * 100_000, "{" + " " * 20_000 + "}")
SMALL = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
ODD: dict[str, dict[str, Any]] = {
    "nothing": {"kind": "api_key"},
    "null": {"kind": "api_key", "key": None},
    "empty": {"kind": "api_key", "key": ""},
    "blank": {"kind": "api_key", "key": " "},
    "led by a blank": {"kind": "api_key", "key": " k"},
    "two words": {"kind": "api_key", "key": "k k"},
    "line break": {"kind": "api_key", "key": "k\r\nX-Admin: 1"},
    "null byte": {"kind": "api_key", "key": "k\0"},
    "beyond ascii": {"kind": "api_key", "key": "kéy"},
    "too long": {"kind": "api_key", "key": "k" * 4097},
    "number": {"kind": "api_key", "key": 7},
    "list": {"kind": "api_key", "key": ["k", "k"]},
    "of another kind": {"kind": "api_key", "key": "k", "password": "p"},
    "both kinds": {"kind": "basic", "username": "u", "password": "p", "key": "k"},
    "colon": {"kind": "basic", "username": "u:v", "password": "p"},
    "no user": {"kind": "basic", "username": "", "password": "p"},
    "break in password": {"kind": "basic", "username": "u", "password": "p\n"},
    "half a character": {"kind": "basic", "username": "u", "password": "\ud800"},
    "long password": {"kind": "basic", "username": "u", "password": "p" * 4097},
    "no secret": {"kind": "client_credentials", "client_id": "c"},
    "long id": {"kind": "client_credentials", "client_id": "c" * 513, "client_secret": "s"},
    "no file": {"kind": "service_account"},
    "text for a file": {"kind": "service_account", "service_account": "{}"},
    "empty file": {"kind": "service_account", "service_account": {}},
    "no key": {"kind": "service_account", "service_account": {"client_email": ROBOT}},
    "bad key": {"kind": "service_account", "service_account": key_file(SMALL)},
    "huge key": {"kind": "service_account", "service_account": key_file("k" * 8193)},
    "odd name": {"kind": "service_account", "service_account": key_file(RSA, "a\nb")},
    "odd person": {
        "kind": "service_account",
        "service_account": key_file(RSA),
        "on_behalf_of": "a b\n",
    },
}


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_a_credential_is_refused(name: str) -> None:
    told = dict(ODD[name])
    with pytest.raises(InvalidInput, match="credential_invalid") as refused:
        read_material(Given(kind=told.pop("kind"), members=told))
    said = f"{refused.value.public}{refused.value.detail}"
    assert not any(
        isinstance(each, str) and len(each) > 3 and each in said for each in told.values()
    )


def test_each_kind_is_read() -> None:
    assert material(key="k-1") == ApiKey(raw=Secret("k-1"))
    pair = material("basic", username="ada", password="pass:wörd")
    assert pair == UserPassword(user="ada", raw_password=Secret("pass:wörd"))
    assert account_of(pair) == "ada"
    robot = material("service_account", service_account=key_file(RSA), on_behalf_of="ada@x.test")
    assert isinstance(robot, ServiceAccount)
    assert (robot.alg, robot.key_id, account_of(robot)) == ("RS256", "k1", f"{ROBOT} as ada@x.test")
    other = material("service_account", service_account={"client_id": "robot", "private_key": EC})
    assert isinstance(other, ServiceAccount)
    assert (other.alg, other.account, other.key_id) == ("ES256", "robot", "")


def test_a_pair_is_sent_as_basic_has_it() -> None:
    pair = material("basic", username="Aladdin", password="open sesame")
    assert isinstance(pair, UserPassword)
    raw = lasting_of(pair).reveal()
    assert raw == "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617 section 2
    assert struck_with("basic", raw) == ("open sesame",)
    assert struck_with("api_key", raw) == ()
    short = base64.b64encode(b"u:p").decode()
    assert struck_with("basic", short) == ()
    assert told_of("basic", raw_access=raw, raw_lasting=None) == {
        "username": "Aladdin",
        "password": "open sesame",
    }


def test_a_name_that_stands_alone_is_a_key() -> None:
    key = material("basic", username="sk-canary")
    assert isinstance(key, UserPassword)
    assert account_of(key) == ""
    assert struck_with("basic", lasting_of(key).reveal()) == ("sk-canary",)


@pytest.mark.parametrize("raw", NO_FILES, ids=range(len(NO_FILES)))
def test_what_is_no_key_file_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput, match="credential_invalid"):
        read_key_file(raw)


@given(st.text(max_size=60) | st.dictionaries(st.text(max_size=5), st.integers()).map(json.dumps))
def test_any_text_is_a_key_file_or_refused(raw: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert read_key_file(raw) == json.loads(raw)


def test_nothing_prints_a_secret() -> None:
    offered = Given(kind="api_key", members={"key": "canary"})
    assert "canary" not in repr(offered)
    assert "canary" not in repr(read_material(offered))
    robot = material("service_account", service_account=key_file(RSA))
    assert RSA[40:80] not in repr(robot)


TEXTS = st.text(max_size=40) | st.sampled_from(["k", "ada", RSA, "a:b", ""])
VALUES = st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)
FILES = st.dictionaries(
    st.sampled_from(["client_email", "client_id", "private_key", "private_key_id", "type"]),
    VALUES,
    max_size=5,
)
NAMES = st.sampled_from(
    ["key", "username", "password", "client_id", "client_secret", "service_account", "on_behalf_of"]
)


@given(st.sampled_from(KINDS), st.dictionaries(NAMES, VALUES | FILES, max_size=4))
def test_anything_is_a_credential_or_refused(kind: Any, members: dict[str, Any]) -> None:
    found = None
    with contextlib.suppress(InvalidInput):
        found = read_material(Given(kind=kind, members=members))
    if found is None:
        return
    assert kind_of(found) == kind
    if isinstance(found, ApiKey | UserPassword):
        sent = lasting_of(found).reveal()
        assert sent.isascii()
        assert sent.isprintable()
    else:
        assert from_text(to_text(found)) == found
        assert json.loads(to_text(found).reveal())
