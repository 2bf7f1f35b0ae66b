"""Articles of many requests, scored together by the one thread that has the model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeAlias, TypeVar

import prometheus_client as prometheus
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.outlets import look_up
from framescope.classifier.records import Article, ArticleReport, BatchReport, Skipped
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.limits import Capacity, Limits, RequestError
from framescope.classifier.service.requests import SAMPLE, AddressRequest, AnyRequest, read

_TOGETHER = 32  # articles from which no more are waited for
_LINGER = 0.004  # seconds that the first article of a batch waits for company
_OLD = 0.8  # the weight of what was measured before
_BATCH = (1, 2, 4, 8, 16, 32, 64)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Item: TypeAlias = ArticleReport | Skipped
T = TypeVar("T")


class Metrics:
    """Counts and times of one service, for Prometheus."""

    def __init__(self, bundle: Bundle) -> None:
        kept = self._registry = prometheus.CollectorRegistry()
        prefix: dict[str, Any] = {"namespace": "framescope", "registry": kept}
        self.requests = prometheus.Counter(
            "requests", "Requests answered.", ["path", "status"], **prefix
        )
        self.seconds = prometheus.Histogram(
            "request_seconds", "From a request's first byte to its answer's last.", ["path"],
            buckets=_SECONDS, **prefix,
        )  # fmt: skip
        self.articles = prometheus.Counter("articles", "Articles scored.", **prefix)
        self.sentences = prometheus.Counter("sentences", "Sentences scored.", **prefix)
        self.batches = prometheus.Histogram(
            "batch_articles", "Articles scored together.", buckets=_BATCH, **prefix
        )
        self.scoring = prometheus.Counter("scoring_seconds", "Seconds spent on scoring.", **prefix)
        self.waiting = prometheus.Gauge("waiting", "Articles that wait to be scored.", **prefix)
        self.capacity = prometheus.Gauge(
            "in_house", "Articles being read, waiting or being scored.", **prefix
        )
        about = {"version": __version__, "model": bundle.name}
        about |= {"digest": bundle.digest, "runtime": bundle.runtime}
        prometheus.Info("bundle", "What scores are computed with.", **prefix).info(about)
        prometheus.ProcessCollector(registry=kept)  # memory, files, processor time

    def text(self) -> bytes:
        """Write the metrics in Prometheus' text format."""
        return prometheus.generate_latest(self._registry)


@dataclass(frozen=True)
class _Job:
    """The articles of one request, and the future that gets their reports."""

    articles: Sequence[Article | Skipped]
    future: Future[list[Item]] = field(default_factory=Future)


class ScoringQueue:
    """Scores articles in the order they come, as many in one call of the model as are waiting.

    Its thread alone calls the scorer: models are not made for several threads.
    """

    def __init__(self, scorer: Scorer, metrics: Metrics, seconds: float) -> None:
        self._scorer, self._metrics, self._seconds = scorer, metrics, seconds
        self._jobs: Queue[_Job | None] = Queue()
        self._thread = Thread(target=self._run, name="framescope-scorer", daemon=True)
        self._pace = 0.1  # seconds an article, as lately

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Score what waits, and end the thread."""
        self._jobs.put(None)
        self._thread.join(2 * self._seconds)

    @property
    def alive(self) -> bool:
        """Whether the scoring thread runs."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Number of jobs in the queue."""
        return self._jobs.qsize()

    def retry(self) -> int:
        """Estimate in how many seconds there is room again, from 1 to 60."""
        return max(1, min(60, math.ceil(self.waiting * self._pace)))

    async def score(self, articles: Sequence[Article | Skipped]) -> list[Item]:
        """Score the articles of one request, in order; raises `RequestError` as `within` does."""
        job = _Job(articles)
        self._jobs.put(job)
        return await within(job.future, self._seconds, self.retry)

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        last = False
        while not last and (first := self._jobs.get()) is not None:
            jobs, last = self._gathered(first)
            # Clients that went away have cancelled theirs.
            jobs = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if jobs:
                self._score(jobs)

    def _gathered(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return the jobs that wait, and whether the queue is stopping."""
        jobs, until = [first], time.monotonic() + _LINGER
        while sum(len(job.articles) for job in jobs) < _TOGETHER:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _score(self, jobs: Sequence[_Job]) -> None:
        began = time.monotonic()
        try:
            found = list(self._scorer.score([one for job in jobs for one in job.articles]))
        except Exception as error:  # a defect, which must not reach the others
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
            else:
                for job in jobs:
                    self._score([job])
            return
        self._measure(found, time.monotonic() - began)
        items = iter(found)
        for job in jobs:
            job.future.set_result(list(islice(items, len(job.articles))))

    def _measure(self, found: Sequence[Item], seconds: float) -> None:
        reports = [item for item in found if isinstance(item, ArticleReport)]
        self._metrics.batches.observe(len(found))
        self._metrics.scoring.inc(seconds)
        self._metrics.articles.inc(len(reports))
        self._metrics.sentences.inc(sum(len(report.sentences) for report in reports))
        self._pace = _OLD * self._pace + (1 - _OLD) * seconds / max(1, len(found))


async def within(future: Future[T], seconds: float, retry: Callable[[], int]) -> T:
    """Wait for a thread's work: `seconds` until it begins, and again until it is done.

    Raises `RequestError`: 429 where it was not begun, 504 where it takes too long.
    """
    waited = asyncio.wrap_future(future)
    try:
        done, _ = await asyncio.wait({waited}, timeout=seconds)
        if not done and future.cancel():
            again = retry()
            reason = f"waited {seconds:g} s, and others are before it"
            raise RequestError(429, f"{reason}; try again in {again} s", again)
        if not done:
            done, _ = await asyncio.wait({waited}, timeout=seconds)
        if not done:
            raise RequestError(504, f"took longer than {seconds:g} s; give a shorter text")
        return waited.result()
    finally:
        waited.cancel()  # a client that went away


_READERS = 2
_FETCHERS = 8  # which mostly wait


class ScoringService:
    """Everything that requests share: the scorer's queue, the threads, capacity and metrics."""

    def __init__(self, scorer: Scorer, limits: Limits) -> None:
        self.scorer, self.limits = scorer, limits
        self.capacity = Capacity(limits.waiting)
        self.metrics = Metrics(scorer.bundle)
        self.queue = ScoringQueue(scorer, self.metrics, limits.seconds)
        self.metrics.waiting.set_function(lambda: self.queue.waiting)
        self.metrics.capacity.set_function(lambda: self.capacity.taken)
        self.stopping = False
        self._readers = ThreadPoolExecutor(_READERS, "framescope-pages")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, "framescope-fetch")

    @property
    def ready(self) -> bool:
        """Whether new articles are accepted."""
        return self.queue.alive and not self.stopping

    def open(self) -> None:
        """Warm up the model and the registry, and start the scoring thread."""
        list(self.scorer.score(read(SAMPLE, self.limits.size)))
        look_up(self.scorer.registry, "nobody.example")
        self.queue.start()

    def close(self) -> None:
        """Finish the articles that were begun."""
        self.stopping = True
        self.queue.stop()
        for pool in (self._readers, self._fetchers):
            pool.shutdown(wait=False, cancel_futures=True)

    async def report(self, posted: AnyRequest) -> BatchReport:
        """Read and score the articles of one request, or raise `RequestError`."""
        fetched = isinstance(posted, AddressRequest)
        if fetched and not self.limits.urls:
            reason = "addresses are not fetched here; send the page as 'html', or its 'text'"
            raise RequestError(403, f"{reason}, or start the service with --allow-urls")
        given = await self.work(read, posted, self.limits.size, fetches=fetched)
        if not any(isinstance(item, Article) for item in given):
            raise _nothing(given)
        more = len(given) - 1  # the middleware has reserved a place for the first
        if more >= self.capacity.most:
            reason = f"holds {len(given):,} articles, and {self.capacity.most:,} may wait at once"
            raise RequestError(413, f"{reason}; divide it")
        self.capacity.take(more, self.queue.retry())
        try:
            found = await self.queue.score(given)
        finally:
            self.capacity.leave(more)
        reports = tuple(item for item in found if isinstance(item, ArticleReport))
        skipped = tuple(item for item in found if isinstance(item, Skipped))
        if not reports:
            raise RequestError(504, "; ".join(f"{one.source}: {one.reason}" for one in skipped))
        scorer, bundle = self.scorer, self.scorer.bundle
        return BatchReport(
            reports, bundle.name, scorer.signals, scorer.thresholds, skipped, bundle.runtime,
            bundle.digest,
        )  # fmt: skip

    async def work(self, function: Callable[..., T], *given: Any, fetches: bool = False) -> T:
        """Call a function in a thread; raises `RequestError` as `within` does."""
        pool = self._fetchers if fetches else self._readers
        return await within(pool.submit(function, *given), self.limits.seconds, self.queue.retry)


def _nothing(given: Sequence[Item | Article]) -> RequestError:
    skipped = [item for item in given if isinstance(item, Skipped)]
    if not skipped:
        return RequestError(422, "holds no article")
    long = skipped[-1].reason.startswith("longer than")
    return RequestError(413 if long else 422, f"{skipped[-1].source}: {skipped[-1].reason}")
