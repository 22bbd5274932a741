from __future__ import annotations

from functools import partial

import pytest

from limen.db.cache import Cache
from limen.db.work import Work, Works
from limen.kernel.site import Site

pytestmark = pytest.mark.anyio


async def _named(_: Work, name: str) -> str | None:
    return name if name != "nobody" else None


@pytest.mark.parametrize(("age", "most", "kept"), [(60.0, 10, 4), (0.0, 10, 1), (60.0, 2, 2)])
async def test_what_is_too_old_or_too_much_is_not_kept(
    *, works: Works, site: Site, age: float, most: int, kept: int
) -> None:
    cache = Cache("probe", read=_named, max_entries=most, max_age_seconds=age)
    for name in ("a", "b", "nobody", "c", "d"):
        found = await works.run(site, partial(cache.get, name=name))
        assert found == (name if name != "nobody" else None)
    assert len(cache) == kept
