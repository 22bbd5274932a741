"""The table: what was measured, beside what it is a ratio to and the budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.load import Measured


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """Measured right before the path, in microseconds of CPU.

    Args:
        empty_us: P, an empty Starlette POST.
        others: Of further units, by their names. N: npm ``oidc-provider`` issuing a client's
            own token. M: the least that does it with our libraries. H: one Argon2id hash.
            R: one RS256 signature, what an ID token costs a client that chose no other.
    """

    empty_us: float
    others: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many yardsticks.

    Args:
        times: Of the unit, on SQLite and on PostgreSQL.
        unit: ``P``, ``N`` or ``M``; ``H`` or ``R`` for a hash or a signature and so many P beside
            it.
    """

    times: tuple[float, float]
    unit: str


BUDGETS: Final = {
    "client_credentials, ES256 JWT": (Budget((0.6, 0.6), "N"), Budget((1.25, 1.25), "M")),
    "introspect a JWT": (Budget((6, 6), "P"),),
    "refresh, rotating": (Budget((14, 10), "P"),),
    "refresh, rotating, with ID token": (Budget((14, 10), "R"),),
    "code exchange with ID token": (Budget((18, 18), "P"), Budget((18, 18), "R")),
    "code exchange, ID token by ES256": (Budget((18, 18), "P"),),
    "authorize, session and consent on file": (Budget((24, 24), "P"),),
    "password login": (Budget((30, 30), "H"),),
    "vault token that is fresh": (Budget((7, 7), "P"),),
}
"""Why these: docs/decisions/0019."""


def lines(engine: str, name: str, measured: Measured, *, yardsticks: Yardsticks) -> Iterator[str]:
    """Return a row for each budget of a path."""
    for budget in BUDGETS[name]:
        limit = budget.times[engine == "postgresql"]
        yield _line(engine, name, measured, budget=budget, limit=limit, yardsticks=yardsticks)


def _line(
    engine: str,
    name: str,
    measured: Measured,
    *,
    budget: Budget,
    limit: float,
    yardsticks: Yardsticks,
) -> str:
    other = yardsticks.others.get(budget.unit, 0.0)
    shown = f"P {yardsticks.empty_us:.0f}" + (f" {budget.unit} {other:.0f} us" if other else " us")
    match budget.unit:
        case "N" | "M" as whole:
            ratio, told = measured.cpu_us / other, f"{limit:g} {whole}"
        case "H" | "R" as beside:
            ratio, told = (measured.cpu_us - other) / yardsticks.empty_us, f"{beside} + {limit:g} P"
        case _:
            ratio, told = measured.cpu_us / yardsticks.empty_us, f"{limit:g} P"
    verdict = "within" if ratio <= limit else "OVER"
    unit = f"P beside {budget.unit}" if budget.unit in "HR" else budget.unit
    return (
        f"{engine:<11}{name:<40}{measured.per_second:>8.0f}/s{measured.cpu_us:>9.0f} us"
        f"{ratio:>8.2f} {unit:<10} budget {told:<10} {verdict:<7} {shown}"
    )
