"""Two look-ups in one statement, where both are known before the first has answered.

A round trip costs as much as everything else that a look-up by a key takes, and on a network more.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from limen.db.statements import Prepared, Row

_PLACE: Final = re.compile(r"\$(\d+)")


class LookUpPair:
    """Two SELECTs for PostgreSQL, of one row at most each, as one that always gives a row.

    Args:
        first: Its columns come first, behind one that says whether there was a row.
        second: Its columns come after those, in the same way.

    Raises:
        TypeError: If the text of one differs by call.
    """

    def __init__(self, first: Prepared, second: Prepared) -> None:
        if first.sql is None or second.sql is None:
            raise TypeError("a look-up with a list parameter can't be one of a pair")
        self._first, self._second = first, second
        shifted = _PLACE.sub(lambda place: f"${int(place[1]) + first.places}", second.sql)
        self.sql = (
            "SELECT a.*, b.* FROM (SELECT 1) AS one"  # noqa: S608 -- statements of ours
            f" LEFT JOIN (SELECT TRUE AS is_there, q.* FROM ({first.sql}) AS q) AS a ON TRUE"
            f" LEFT JOIN (SELECT TRUE AS is_there, q.* FROM ({shifted}) AS q) AS b ON TRUE"
        )

    def bind(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Any]:
        """Return the values of both, in order."""
        return [*self._first.bind(first)[1], *self._second.bind(second)[1]]

    def split(self, raw: Sequence[Sequence[Any]]) -> tuple[Row | None, Row | None]:
        """Take the driver's row apart.

        Raises:
            LookupError: If one of the two gave several rows.
        """
        if len(raw) != 1:
            raise LookupError("a look-up of a pair gave more than one row")
        values, width = tuple(raw[0]), self._first.width + 1
        return _row(self._first, values[:width]), _row(self._second, values[width:])


@functools.lru_cache(maxsize=64)
def look_up_pair(first: Prepared, second: Prepared) -> LookUpPair:
    """Return the pair, made once."""
    return LookUpPair(first, second)


def _row(prepared: Prepared, values: Sequence[Any]) -> Row | None:
    return prepared.rows([values[1:]])[0] if values[0] else None
