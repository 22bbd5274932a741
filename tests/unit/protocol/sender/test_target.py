from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.protocol.sender.target import normal_target


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("https://id.example", "https://id.example/"),
        ("https://id.example?x=1", "https://id.example/"),
        ("HTTPS://Id.Example:443/A/./b/../c?x=1#y", "https://id.example/A/c"),
        ("http://id.example:80/a", "http://id.example/a"),
        ("http://id.example:/a", "http://id.example/a"),
        ("http://localhost:8000/t/acme/oauth2/token", "http://localhost:8000/t/acme/oauth2/token"),
        ("https://id.example/%7euser/%2f", "https://id.example/~user/%2F"),
        ("https://id.example/a/..", "https://id.example/"),
        ("https://id.example/a/b/..", "https://id.example/a/"),
        ("https://id.example/a/.", "https://id.example/a/"),
        ("https://id.example/../../a", "https://id.example/a"),
        ("https://id.example/a//b", "https://id.example/a//b"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
    ],
)
def test_rfc_3986_6_2_one_form_of_each(uri: str, normal: str) -> None:
    assert normal_target(uri) == normal


@pytest.mark.parametrize(
    "uri",
    ["", "/a", "id.example/a", "ftp://id.example/", "https://", "https:///a", "https://a@id.example/",
     "https://id.example:x/", "https://id.example:99999/", "https://id.example/\\a", "https://id.example/ a",
     "https://id.example/ä", "https://id.example/%2", "https://id.exam%70le/", "https://[::1/", "x" * 2049],
)  # fmt: skip
def test_what_is_no_address(uri: str) -> None:
    assert normal_target(uri) is None


@given(
    uri=st.text(max_size=60)
    | st.from_regex(r"https?://[a-z.]{1,9}(:\d{1,6})?[!-~]{0,30}", fullmatch=True)
)
def test_the_normal_form_is_stable(uri: str) -> None:
    normal = normal_target(uri)
    assert normal is None or normal_target(normal) == normal
