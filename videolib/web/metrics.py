"""Numbers for Prometheus: requests of this process, and the queue as the rows show it."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from videolib.catalogue.entries import Entry
from videolib.catalogue.jobs import Job
from videolib.catalogue.recordings import Recording

# one registry a process, however many applications the tests make
REGISTRY = CollectorRegistry()
_REQUESTS = Counter("videolib_requests_total", "Requests answered", ["method", "route", "status"], registry=REGISTRY)
_SECONDS = Histogram("videolib_request_seconds", "Time until the answer was ready", ["route"], registry=REGISTRY)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Gauges:
    """Counts of rows, as a collector that is asked once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, what, column in (
            ("videolib_recordings", "Recordings by state", Recording.state),
            ("videolib_jobs", "Jobs by state", Job.state),
            ("videolib_entries", "Entries by status", Entry.status),
        ):
            family = GaugeMetricFamily(name, what, labels=["state"])
            rows = Tally(
                {
                    str(state): number
                    for state, number in self._session.execute(select(column, func.count()).group_by(column))
                }
            )
            for state, number in sorted(rows.items()):
                family.add_metric([state], number)
            yield family


def count_request(method: str, route: str, status: int, took_s: float) -> None:
    """Count one answered request; `route` is the rule, so that the number of series stays small."""
    _REQUESTS.labels(method if method in _METHODS else "other", route, str(status)).inc()
    _SECONDS.labels(route).observe(took_s)


def write_metrics(session: Session) -> bytes:
    """Everything in Prometheus' text format."""
    rows = CollectorRegistry()
    rows.register(_Gauges(session))
    return bytes(generate_latest(REGISTRY) + generate_latest(rows))
