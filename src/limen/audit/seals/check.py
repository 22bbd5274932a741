"""Segments against their seals: what does not fit, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from limen.audit.seals.event_hash import HASH_BYTES
from limen.audit.seals.head import Place
from limen.audit.seals.seal import Seal, hash_of_hashes

MOST_TOLD: Final = 100
"""Findings a report lists; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not fit.

    Args:
        code: A word for programs, ``event_altered`` say.
        segment: Which; 0 for none.
        number: The event's; 0 for none.
        event_id: The event's; empty where it is not known.
        detail: What a person reads besides.
    """

    code: str
    segment: int = 0
    number: int = 0
    event_id: str = ""
    detail: str = ""

    @property
    def words(self) -> str:
        """Say it in one line."""
        where = f"segment {self.segment}" if self.segment else "chain"
        where += f", event {self.number}" if self.number else ""
        where += f" ({self.event_id})" if self.event_id else ""
        return f"{where}: {_WORDS[self.code]}" + (f": {self.detail}" if self.detail else "")


_WORDS: Final = {
    "key_not_ours": "a key that this installation did not make",
    "head_missing": "the record of where the chain ends is gone",
    "head_altered": "the record of where the chain ends was altered",
    "cut_off": "the chain's end is not the one that was sealed last",
    "not_sealed": "an event has a number and no seal covers it",
    "segment_missing": "the segment's seal is gone",
    "seal_altered": "the seal was altered, or nobody we know signed it",
    "chain_torn": "the seal does not follow the one before it",
    "chain_broken": "the chain did not fit when this was sealed",
    "event_altered": "the event was altered or moved",
    "event_missing": "the event is gone",
    "event_added": "an event that was not there when the segment was sealed",
    "log_differs": "the log stream tells of another seal",
    "line_unreadable": "a line that is none of an export's",
    "export_cut_off": "the export ends before its signed end",
    "export_altered": "the export's end was altered, or nobody we know signed it",
    "key_not_expected": "signed by another key than the one expected",
}


@dataclass(slots=True, kw_only=True)
class Report:
    """What verifying found.

    Args:
        tenant_id: Whose chain.
        first_segment: Where verifying began.
        last_segment: Where it ended.
        segments: How many were looked at.
        events: How many fit.
        unsealed: How many wait for their seal; nothing can be said of them.
        dropped_number: The events up to this number are kept no longer.
        kids: The keys that signed.
        findings: What does not fit, in the chain's order, the first of them.
        count: How many findings there were.
    """

    tenant_id: str = ""
    first_segment: int = 0
    last_segment: int = 0
    segments: int = 0
    events: int = 0
    unsealed: int = 0
    dropped_number: int = 0
    kids: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether everything fits."""
        return not self.count

    def add(self, *findings: Finding) -> None:
        """Count findings, and keep the first."""
        self.count += len(findings)
        self.findings += findings[: MOST_TOLD - len(self.findings)]


def check_link(seal: Seal, before: Place | None) -> Iterator[Finding]:
    """Compare a seal with the place it must follow.

    Args:
        seal: Signed by a key of ours.
        before: Behind the segment before; ``None`` if nothing is known of that.
    """
    if seal.broken:
        yield Finding(code="chain_broken", segment=seal.segment, detail=seal.broken)
    elif before is not None and (seal.segment, seal.first, seal.previous) != (
        before.segment + 1,
        before.number + 1,
        before.hash,
    ):
        yield Finding(code="chain_torn", segment=seal.segment)


def check_hashes(seal: Seal, hashes: bytes) -> bool:
    """Say whether the hashes that lie beside a seal are those it was made of."""
    return len(hashes) == seal.count * HASH_BYTES and hash_of_hashes(hashes) == seal.events


def check_events(
    seal: Seal, hashes: bytes, events: Iterable[tuple[int, str, bytes]]
) -> Iterator[Finding]:
    """Compare events with the hashes of their segment.

    Args:
        seal: Of the segment.
        hashes: Those that ``check_hashes`` found to be the seal's.
        events: Number, id and hash of each, in the order of their numbers.
    """
    wanted = seal.first
    for number, event_id, found in events:
        yield from _missing(seal, range(wanted, min(number, seal.last + 1)))
        if not wanted <= number <= seal.last:
            yield _finding("event_added", seal, number=number, event_id=event_id)
            continue
        at = (number - seal.first) * HASH_BYTES
        if hashes[at : at + HASH_BYTES] != found:
            yield _finding("event_altered", seal, number=number, event_id=event_id)
        wanted = number + 1
    yield from _missing(seal, range(wanted, seal.last + 1))


def _missing(seal: Seal, numbers: Sequence[int]) -> Iterator[Finding]:
    for number in numbers:
        yield _finding("event_missing", seal, number=number)


def _finding(code: str, seal: Seal, *, number: int, event_id: str = "") -> Finding:
    return Finding(code=code, segment=seal.segment, number=number, event_id=event_id)
