"""Compare a chain with the seals that were written to the log stream.

What lies in the database can be put back to an earlier state, end and all; the lines that went
elsewhere meanwhile can't.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

from limen.audit.seals import seal_store as store
from limen.audit.seals.check import Finding, Report
from limen.audit.seals.seal import is_count, is_hash, seal_hash
from limen.db.work import Work, Works
from limen.kernel.foreign_json import parse_json
from limen.kernel.site import Site

_LINES: Final = 200


def read_seals(lines: Iterable[str], *, tenant_id: str) -> Iterator[tuple[int, str]]:
    """Yield segment and seal of each line of a log, JSON each, that tells of one.

    Args:
        lines: Of everything the processes wrote; what is something else is passed over.
        tenant_id: Whose seals.
    """
    for line in lines:
        if "audit sealed" not in line or tenant_id not in line:
            continue
        try:
            told: Any = parse_json(line[line.find("{") :])
        except ValueError:
            continue
        if _is_seal(told) and told["tenant_id"] == tenant_id:
            yield told["segment"], told["seal"]


async def compare_with_log(
    works: Works, site: Site, lines: Iterable[str], *, report: Report
) -> int:
    """Add to a report what the log tells otherwise; return how many seals were compared."""
    told, compared = read_seals(lines, tenant_id=site.tenant_id), 0
    while some := list(islice(told, _LINES)):
        report.add(*await works.run(site, partial(_compare, seals=some)))
        compared += len(some)
    return compared


async def _compare(work: Work, *, seals: list[tuple[int, str]]) -> list[Finding]:
    head = await store.find_head(work)
    dropped = 0 if head is None else head.dropped.segment
    found = []
    for segment, told in seals:
        if segment > dropped:
            stored = await store.find_seal(work, segment)
            if stored is None or seal_hash(stored.jws) != told:
                found.append(Finding(code="log_differs", segment=segment))
    return found


def _is_seal(told: Any) -> bool:
    return (
        isinstance(told, dict)
        and told.get("event") == "audit sealed"
        and is_count(told.get("segment"))
        and is_hash(told.get("seal"))
        and isinstance(told.get("tenant_id"), str)
    )
