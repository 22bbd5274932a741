from __future__ import annotations

import re
from collections import Counter
from typing import Any

from limen.kernel.errors import Refusal
from limen.kernel.events import NAME, Event
from limen.web.errors import STATUS
from tests.architecture.source import imported

CODE = re.compile(r"[a-z][a-z0-9_]*")


def subclasses(kind: type[Any]) -> list[type[Any]]:
    """Every subclass that the package declares, at any depth."""
    imported()
    found = [below for direct in kind.__subclasses__() for below in [direct, *subclasses(direct)]]
    # A dataclass with slots is a second class of the same name; the first lives on for a while.
    named = {f"{one.__module__}.{one.__qualname__}": one for one in found}
    return [one for name, one in named.items() if name.startswith("limen.")]


def test_every_refusal_has_a_status() -> None:
    # Its own, or that of the kind it refines; the bare Refusal's 400 is nobody's by default.
    kinds = {kind: set(kind.__mro__) - {Refusal} for kind in subclasses(Refusal)}
    assert [kind.__name__ for kind, family in kinds.items() if not family & set(STATUS)] == []


def test_the_error_table_holds_nothing_else() -> None:
    assert set(STATUS) - {Refusal, *subclasses(Refusal)} == set()


def test_every_default_code_is_stable_and_plain() -> None:
    assert [k.__name__ for k in subclasses(Refusal) if not CODE.fullmatch(k.default_code)] == []


def test_every_event_name_is_subject_noun_verb() -> None:
    events = subclasses(Event)
    assert events
    assert [event.__name__ for event in events if not NAME.fullmatch(event.name)] == []


def test_no_two_events_share_a_name() -> None:
    names = Counter(event.name for event in subclasses(Event))
    assert [name for name, count in names.items() if count > 1] == []


def test_events_stand_in_events_files() -> None:
    homeless = [
        f"{event.__module__}.{event.__name__}"
        for event in subclasses(Event)
        if "events" not in event.__module__.split(".")
    ]
    assert homeless == []
