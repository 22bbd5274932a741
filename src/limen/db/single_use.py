"""What may be used once: one conditional statement, one winner.

Of twenty callers that find, check and consume, twenty win; of twenty that run one conditional
``UPDATE`` or ``DELETE … RETURNING``, one does.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from limen.db.statements import Row
from limen.db.work import Work


async def take(work: Work, statement: sa.Executable, **params: Any) -> Row | None:
    """Consume one thing, or return ``None`` because it is gone, used or expired.

    Args:
        work: The transaction the taking belongs to; a refusal later in it gives it back.
        statement: ``UPDATE … WHERE <unused> … RETURNING`` or ``DELETE … RETURNING``.
        params: Its parameters.

    Raises:
        LookupError: If the statement took more than one row: its key is not unique.
    """
    rows = await work.execute(statement, **params)
    if rows.count > 1:
        raise LookupError("a single-use statement took more than one row")
    return rows.first()
