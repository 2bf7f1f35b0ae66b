"""Counts and times of the service, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BATCH = (1, 2, 4, 8, 16, 32, 64)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one service.

    Parameters
    ----------
    bundle : Bundle
        Whose name and digest go with them.
    """

    def __init__(self, bundle: Bundle) -> None:
        kept = self._registry = CollectorRegistry()
        self.requests = Counter(
            "framescope_requests", "Requests answered.", ["path", "status"], registry=kept
        )
        self.seconds = Histogram(
            "framescope_request_seconds",
            "From a request's first byte to its answer's last.",
            ["path"],
            buckets=_SECONDS,
            registry=kept,
        )
        self.articles = Counter("framescope_articles", "Articles scored.", registry=kept)
        self.sentences = Counter("framescope_sentences", "Sentences scored.", registry=kept)
        self.batches = Histogram(
            "framescope_batch_articles", "Articles scored together.", buckets=_BATCH, registry=kept
        )
        self.scoring = Counter(
            "framescope_scoring_seconds", "Seconds spent on scoring.", registry=kept
        )
        self._waiting = Gauge(
            "framescope_waiting", "Articles that wait to be scored.", registry=kept
        )
        self._capacity = Gauge(
            "framescope_in_house", "Articles being read, waiting or being scored.", registry=kept
        )
        said = {
            "version": __version__,
            "model": bundle.name,
            "digest": bundle.digest,
            "runtime": bundle.runtime,
        }
        Info("framescope_bundle", "What scores are computed with.", registry=kept).info(said)
        ProcessCollector(registry=kept)  # memory, files, processor time

    def watch(self, waiting: Callable[[], float], in_house: Callable[[], float]) -> None:
        """Read these gauges whenever the metrics are read."""
        self._waiting.set_function(waiting)
        self._capacity.set_function(in_house)

    def text(self) -> bytes:
        """Write them in Prometheus' text format."""
        return generate_latest(self._registry)
