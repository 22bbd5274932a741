from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.prompt import Prompt, authenticated_after, parse_max_age, parse_prompt

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("raw", "prompt"),
    [
        (None, set()),
        ("none", {"none"}),
        ("login consent", {"login", "consent"}),
        ("select_account", {"select_account"}),
        ("create", {"create"}),
    ],
)
def test_reads_prompt(raw: str | None, prompt: set[str]) -> None:
    assert parse_prompt(raw) == prompt


@pytest.mark.parametrize("raw", ["none login", "login none", "NONE", "nope", "login nope"])
def test_n273_refuses_other_prompts(raw: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_prompt(raw)
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(("raw", "seconds"), [(None, None), ("0", 0), ("3600", 3600)])
def test_reads_max_age(raw: str | None, seconds: int | None) -> None:
    assert parse_max_age(raw) == seconds


@pytest.mark.parametrize(
    "raw", ["-1", "1.5", "1e3", "x", " 1", "1 ", "+1", "9" * 10, "9" * 5000, "\u0661", "1_0", "0x1"]
)
def test_n273_refuses_other_ages(raw: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_max_age(raw)
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("prompt", "max_age", "after"),
    [
        (set(), None, None),
        ({"login"}, None, NOW),
        ({"login"}, 3600, NOW),
        (set(), 0, NOW),
        (set(), 60, NOW - dt.timedelta(seconds=60)),
        ({"consent"}, None, None),
        (set(), 999_999_999, NOW - dt.timedelta(seconds=999_999_999)),
    ],
)
def test_when_the_person_must_have_signed_in(
    prompt: set[Prompt], max_age: int | None, after: dt.datetime | None
) -> None:
    assert authenticated_after(prompt=prompt, max_age=max_age, now=NOW) == after


@given(st.text())
def test_any_text_is_read_or_refused(raw: str) -> None:
    for parse in (parse_prompt, parse_max_age):
        try:
            parse(raw)
        except OAuthRefusal as refused:
            assert refused.code == "invalid_request"  # noqa: PT017 -- it may be read as well
