"""What attackers try first, and so what no password may be (N264).

The list holds the words common passwords are made of; the rules undo what people do to such a
word to make it look like a password. A password is weak when nothing but weak parts is left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

_LIST: Final = "common.txt"
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_ROWS_ELSEWHERE: Final = ("qwertzuiop", "azertyuiop", "yxcvbnm", "qsdfghjklm", "wxcvbn")
_COLUMNS: Final = ("1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p")
_LEET: Final = (
    str.maketrans("013456789@$!|+", "oieasgtbgasiit"),
    str.maketrans("013456789@$!|+", "oleasgtbgaslit"),
)
_SHORTEST_RUN: Final = 3
_FEWEST_STEPS: Final = 7
"""A password of runs and repetitions counts each as two characters; this many are too few."""

_LEAST_LEFT: Final = 8
"""So many characters beside the weak words make it somebody's own."""

_TRIMMINGS: Final = re.compile(r"\A[\W\d_]+|[\W\d_]+\Z")
_SHORTEST_WORD: Final = 3
_SHORTEST_CONTEXT: Final = 3


def is_common(password: str) -> bool:
    """Whether it is a common word: once or repeated, disguised, with the usual trimmings."""
    folded = _fold(password)
    return any(_is_word(form) for form in _forms(folded))


def is_sequential(password: str) -> bool:
    """Whether it is a walk over the keyboard, a count or a repetition."""
    folded = _fold(password)
    return _steps(_repeated_part(folded)) < _FEWEST_STEPS


def has_context(password: str, words: Iterable[str]) -> bool:
    """Whether it is made of what an attacker knows: names of person, tenant and product.

    Args:
        password: In question.
        words: Names and addresses; their parts count too.
    """
    rest = _fold(password)
    known = {part for word in words for part in _parts(word)}
    found = False
    for part in sorted(known, key=len, reverse=True):
        found = found or part in rest
        rest = rest.replace(part, "\0")
    left = rest.replace("\0", "")
    return found and (_steps(left) < _LEAST_LEFT or is_common(left))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _forms(folded: str) -> Iterable[str]:
    """Yield what the password may stand for: as it is, and with signs read as letters."""
    yield from (folded, *(folded.translate(table) for table in _LEET))
    trimmed = _TRIMMINGS.sub("", folded)
    if _steps(folded.replace(trimmed, "", 1)) < _LEAST_LEFT:
        yield trimmed
        yield from (trimmed.translate(table) for table in _LEET)


def _is_word(text: str) -> bool:
    """Whether it is one of the list's words, once or repeated, whatever stands in between."""
    letters = re.sub(r"[\W_]+", "", text)
    return letters in _words() or _repeated_part(letters) in _words()


def _repeated_part(text: str) -> str:
    """Return the shortest part that, repeated, makes up the whole."""
    found = (text + text).find(text, 1)
    return text[:found] if 0 < found < len(text) else text


def _steps(text: str) -> int:
    """Count characters, a run along a row or of one character as two at most."""
    steps, index = 0, 0
    while index < len(text):
        length = _run_length(text, index)
        steps += min(length, 2) if length >= _SHORTEST_RUN else length
        index += length
    return steps


def _run_length(text: str, start: int) -> int:
    longest = 1
    for end in range(start + _SHORTEST_RUN, len(text) + 1):
        piece = text[start:end]
        if not _is_run(piece):
            break
        longest = end - start
    return longest


def _is_run(piece: str) -> bool:
    if len(set(piece)) == 1:
        return True
    return any(piece in row for row in _all_rows())


@cache
def _all_rows() -> tuple[str, ...]:
    rows = (*_ROWS, *_ROWS_ELSEWHERE, *_COLUMNS)
    doubled = [row + row for row in rows]
    return (*doubled, *(row[::-1] for row in doubled))


def _parts(word: str) -> set[str]:
    folded = _fold(word)
    pieces = {folded, re.sub(r"[\W_]+", "", folded), *re.split(r"[\W_\d]+", folded)}
    return {piece for piece in pieces if len(piece) >= _SHORTEST_CONTEXT}


@cache
def _words() -> frozenset[str]:
    lines = files("limen.accounts.passwords").joinpath(_LIST).read_text("utf-8").splitlines()
    listed = [word for line in lines if not line.startswith("#") for word in line.split()]
    return frozenset(word for word in listed if len(word) >= _SHORTEST_WORD)
