from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from limen.oauth.granted import end_of
from limen.testing.clock import START

HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("of_grant", "of_client", "expected"),
    [
        (None, None, None),
        (START, None, START),
        (None, START, START),
        (START, START + HOUR, START),
        (START + HOUR, START, START),
    ],
)
def test_a_token_ends_with_its_grant_and_with_its_client(
    of_grant: dt.datetime | None, of_client: dt.datetime | None, expected: dt.datetime | None
) -> None:
    spec: Any = SimpleNamespace(not_after=of_grant)
    client: Any = SimpleNamespace(expires_at=of_client)
    assert end_of(spec, client) == expected
