"""What the parts of a simulated vendor share."""

from __future__ import annotations

from dataclasses import dataclass

from limen.federation.catalogue.entry import Entry
from limen.simulators.misbehave import Stage
from limen.simulators.vendor.habits import Habits


@dataclass(frozen=True, slots=True)
class Shape:
    """A vendor.

    Args:
        entry: What the catalogue says of it.
        habits: What it does besides.
        stage: Where it stands, and what it remembers.
    """

    entry: Entry
    habits: Habits
    stage: Stage
