"""Prove an export's lines, with nothing else at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from limen.audit.seals.check import Finding, Report, check_events, check_hashes, check_link
from limen.audit.seals.event_hash import hash_members
from limen.audit.seals.export import VERSION
from limen.audit.seals.head import Place
from limen.audit.seals.keys import import_by_thumbprint
from limen.audit.seals.seal import (
    EXPORT_TYP,
    Seal,
    is_count,
    seal_hash,
    texts,
    verify_seal,
    verify_signed,
)
from limen.kernel.foreign_json import parse_json
from limen.protocol.jose import decode_part
from limen.protocol.jwk import InvalidKey, KeySet
from limen.protocol.jwt import JwtRefused, read_kid

MAX_LINE_CHARS: Final = 4_000_000
_PROGRESS: Final = 1000


class _Unreadable(ValueError):  # noqa: N818 -- it says what is found
    """A line that is none of an export's."""


def verify_export(
    lines: Iterable[str],
    *,
    kids: frozenset[str] = frozenset(),
    progress: Callable[[int, int], None] = lambda _segments, _lines: None,
) -> Report:
    """Compare every event of an export with its seal, and the export with its signed end.

    Args:
        lines: Of the file, in order.
        kids: The keys that may have signed; empty for those the export names itself, which the
            reader then compares with what the installation says.
        progress: Told how many segments and lines are done.
    """
    reader = _Reader(kids)
    for number, line in enumerate(lines, 1):
        try:
            reader.take(_members(line))
        except (_Unreadable, JwtRefused, InvalidKey):
            reader.report.add(Finding(code="line_unreadable", detail=f"line {number}"))
            if not reader.has_begun:
                return reader.report
        if number % _PROGRESS == 0:
            progress(reader.report.segments, number)
    return reader.end()


class _Reader:
    def __init__(self, kids: frozenset[str]) -> None:
        self.report = Report()
        self.has_begun = False
        self._expected = kids
        self._keys = KeySet([])
        self._seal: tuple[Seal, bytes] | None = None
        self._events: list[tuple[int, str, bytes]] = []
        self._before: Place | None = None
        self._lines = 0
        self._has_ended = False

    def take(self, members: dict[str, Any]) -> None:
        """Read one more line."""
        kind = members.pop("kind", None)
        take = {"seal": self._take_seal, "event": self._take_event, "end": self._take_end}.get(kind)
        if not self.has_begun and kind == "export":
            self._begin(members)
        elif take is None or not self.has_begun or self._has_ended:
            raise _Unreadable
        else:
            self._lines += 1
            take(members)

    def end(self) -> Report:
        """Return what was found in all lines."""
        self._close()
        if not self._has_ended:
            self.report.add(Finding(code="export_cut_off"))
        return self.report

    def _begin(self, members: dict[str, Any]) -> None:
        jwks = members.get("keys")
        if members.get("version") != VERSION or not texts(members, "tenant_id"):
            raise _Unreadable
        if not isinstance(jwks, list) or not all(isinstance(each, dict) for each in jwks):
            raise _Unreadable
        self._keys = KeySet([import_by_thumbprint(jwk) for jwk in jwks])
        self.report.tenant_id = members["tenant_id"]
        self.has_begun = True

    def _take_seal(self, members: dict[str, Any]) -> None:
        self._close()
        report = self.report
        report.segments += 1
        raw, hashes = _text(members, "jws"), decode_part(_text(members, "hashes"))
        try:
            seal = verify_seal(raw, self._keys)
        except JwtRefused:
            seal = None
        if seal is None or seal.tenant_id != report.tenant_id:
            report.add(Finding(code="seal_altered", detail=f"segment no. {report.segments}"))
            self._before = None
            return
        self._note_key(raw, seal.segment)
        report.add(*check_link(seal, self._before))
        self._before = Place(segment=seal.segment, number=seal.last, hash=seal_hash(raw))
        report.first_segment = report.first_segment or seal.segment
        report.last_segment = seal.segment
        if check_hashes(seal, hashes):
            self._seal = (seal, hashes)
        else:
            report.add(Finding(code="seal_altered", segment=seal.segment, detail="its hashes"))

    def _take_event(self, members: dict[str, Any]) -> None:
        number = members.get("number")
        if not is_count(number):
            raise _Unreadable
        try:
            self._events.append(
                (int(members["number"]), _text(members, "id"), hash_members(members))
            )
        except (ValueError, RecursionError) as error:
            raise _Unreadable from error

    def _take_end(self, members: dict[str, Any]) -> None:
        self._close()
        self._has_ended = True
        raw = _text(members, "jws")
        try:
            claims: Mapping[str, Any] = verify_signed(raw, self._keys, typ=EXPORT_TYP)
        except JwtRefused:
            self.report.add(Finding(code="export_altered"))
            return
        self._note_key(raw, 0)
        here = self._before or Place()
        told = [claims.get(name) for name in ("tenant_id", "segment", "seal", "lines")]
        if told != [self.report.tenant_id, here.segment, here.hash, self._lines - 1]:
            self.report.add(Finding(code="export_altered", detail="lines are missing or added"))

    def _close(self) -> None:
        """Compare the events read since the last seal with it."""
        events, self._events = self._events, []
        if self._seal is None:
            return
        (seal, hashes), self._seal = self._seal, None
        found = list(check_events(seal, hashes, events))
        self.report.add(*found)
        self.report.events += seal.count - len({each.number for each in found})

    def _note_key(self, raw: str, segment: int) -> None:
        kid = read_kid(raw) or ""
        if kid not in self.report.kids:
            self.report.kids = (*self.report.kids, kid)
        if self._expected and kid not in self._expected:
            self.report.add(Finding(code="key_not_expected", segment=segment, detail=kid))


def _members(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_CHARS:
        raise _Unreadable
    try:
        members = parse_json(line, pairs=_once, any_text=True)
    except ValueError as error:
        raise _Unreadable from error
    if not isinstance(members, dict):
        raise _Unreadable
    return members


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise _Unreadable
    return value
