"""Counters and their text. Labels are few and known beforehand: routes, kinds, outcomes."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from limen.observe.access_log import METHODS

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class _Metrics(NamedTuple):
    registry: CollectorRegistry
    requests: Histogram
    statuses: Counter
    refusals: Counter
    refreshes: Counter
    calls: Histogram
    parked: Counter
    sealed: Counter
    alarms: Counter
    clock_skew: Gauge
    background: Counter


@cache
def _metrics() -> _Metrics:
    """Make them at first use: importing this module registers nothing."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return _Metrics(
        registry,
        Histogram(
            "limen_request_seconds",
            "Time to answer, by route template",
            ["route", "method"],
            buckets=_SECONDS,
            registry=registry,
        ),
        Counter(
            "limen_responses",
            "Answers, by route template and status",
            ["route", "method", "status"],
            registry=registry,
        ),
        Counter("limen_refusals", "Refusals, by code", ["code"], registry=registry),
        Counter(
            "limen_vault_refreshes",
            "Refreshes of third-party tokens",
            ["provider", "outcome"],
            registry=registry,
        ),
        Histogram(
            "limen_outbound_seconds",
            "Time of outbound calls, by purpose",
            ["purpose", "outcome"],
            buckets=_SECONDS,
            registry=registry,
        ),
        Counter(
            "limen_outbox_parked",
            "Deliveries given up after the last attempt, by kind",
            ["kind"],
            registry=registry,
        ),
        Counter("limen_audit_sealed", "Audit events sealed", registry=registry),
        Counter("limen_audit_alarms", "Faults found in the audit", ["reason"], registry=registry),
        Gauge("limen_clock_skew_seconds", "How wrong this machine's clock is", registry=registry),
        Counter(
            "limen_background_failures",
            "Background work that failed for a tenant or a row, by what it is",
            ["task"],
            registry=registry,
        ),
    )


def count_request(*, route: str, method: str, status: int, seconds: float) -> None:
    """Count one answer by the template that matched, empty for none.

    Never by the path: strangers choose paths, and each would be a time series.
    """
    times, answers = _series(route, method if method in METHODS else "OTHER", status)
    times.observe(seconds)
    answers.inc()


@cache
def _series(route: str, method: str, status: int) -> tuple[Histogram, Counter]:
    """Find the two series once: routes, methods and statuses are few, looking them up is dear."""
    metrics = _metrics()
    told = route or "(none)"
    return metrics.requests.labels(told, method), metrics.statuses.labels(told, method, str(status))


def count_refusal(code: str) -> None:
    """Count one refusal by its stable code; a challenge to who sent no token has none."""
    _metrics().refusals.labels(code or "(none)").inc()


def count_refresh(*, provider: str, outcome: str) -> None:
    """Count one refresh of a third-party token: ``done``, ``refused``, ``uncertain``."""
    _metrics().refreshes.labels(provider, outcome).inc()


def count_call(*, purpose: str, outcome: str, seconds: float) -> None:
    """Count one outbound call by what it was for."""
    _metrics().calls.labels(purpose, outcome).observe(seconds)


def count_parked(kind: str) -> None:
    """Count one delivery that is not tried again; its row is kept."""
    _metrics().parked.labels(kind).inc()


def set_clock_skew(seconds: float) -> None:
    """Note how far this machine's clock is from where it should be."""
    _metrics().clock_skew.set(seconds)


def count_sealed(events: int) -> None:
    """Count audit events that have their seal."""
    _metrics().sealed.inc(events)


def count_audit_alarm(reason: str) -> None:
    """Count an audit chain that does not fit: ``cut_off``, say."""
    _metrics().alarms.labels(reason).inc()


def count_background_failure(task: str) -> None:
    """Count something of the background that failed, by the name of its loop; others went on."""
    _metrics().background.labels(task).inc()


def render() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(_metrics().registry)
