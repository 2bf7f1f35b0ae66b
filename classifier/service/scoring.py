"""Articles of many requests, scored together by the one thread that has the model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeAlias, TypeVar

from framescope.classifier.outlets import Answer, answers_to_json, look_up
from framescope.classifier.records import Article, ArticleReport, BatchReport, Skipped, printable
from framescope.classifier.reports import to_html, to_json
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.limits import Capacity, Limits, RequestError
from framescope.classifier.service.metrics import Metrics
from framescope.classifier.service.requests import AddressRequest, PageRequest, TextRequest, read
from framescope.classifier.taxonomy import SIGNALS

TOGETHER = 32
"""Articles from which no more are waited for."""

LINGER = 0.004
"""Seconds that the first article of a batch waits for company."""

Item: TypeAlias = ArticleReport | Skipped
T = TypeVar("T")

_OLD = 0.8  # the weight of what was measured before


@dataclass(frozen=True)
class _Job:
    """What one request wants scored, and where it waits for it."""

    articles: Sequence[Article | Skipped]
    future: Future[list[Item]] = field(default_factory=Future)


class ScoringQueue:
    """Scores articles in the order they come, as many in one call of the model as are waiting.

    Parameters
    ----------
    scorer : Scorer
        Only this queue's thread calls it: models are not made for several.
    metrics : Metrics
    seconds : float
        For which an article may wait.
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
        """Jobs that nobody has begun."""
        return self._jobs.qsize()

    def retry(self) -> int:
        """Estimate in how many seconds there is room again, from 1 to 60."""
        return max(1, min(60, math.ceil(self.waiting * self._pace)))

    async def score(self, articles: Sequence[Article | Skipped]) -> list[Item]:
        """Score some articles of one request; an item comes back for each.

        Raises
        ------
        RequestError
            429 when nobody had time for them, 504 when they take too long.
        """
        job = _Job(articles)
        self._jobs.put(job)
        return await within(job.future, self._seconds, self.retry)

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        last = False
        while not last and (first := self._jobs.get()) is not None:
            jobs, last = self._gathered(first)
            # Whoever went away has cancelled theirs.
            jobs = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if jobs:
                self._score(jobs)

    def _gathered(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return the jobs that wait beside the first, and whether the queue is stopping."""
        jobs, until = [first], time.monotonic() + LINGER
        while sum(len(job.articles) for job in jobs) < TOGETHER:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _score(self, jobs: Sequence[_Job]) -> None:
        articles = [article for job in jobs for article in job.articles]
        began = time.monotonic()
        try:
            found = list(self._scorer.score(articles))
        except Exception as error:  # a defect, which must not reach the others
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
            else:
                for job in jobs:
                    self._score([job])
            return
        self._measure(found, time.monotonic() - began)
        at = 0
        for job in jobs:
            job.future.set_result(found[at : at + len(job.articles)])
            at += len(job.articles)

    def _measure(self, found: Sequence[Item], seconds: float) -> None:
        reports = [item for item in found if isinstance(item, ArticleReport)]
        self._metrics.batches.observe(len(found))
        self._metrics.scoring.inc(seconds)
        self._metrics.articles.inc(len(reports))
        self._metrics.sentences.inc(sum(len(report.sentences) for report in reports))
        self._pace = _OLD * self._pace + (1 - _OLD) * seconds / max(1, len(found))


async def within(future: Future[T], seconds: float, retry: Callable[[], int]) -> T:
    """Wait for a thread's work: `seconds` until it begins, and again until it is done.

    Raises
    ------
    RequestError
        429 where it was not begun, so that who is overrun says so; 504 where it takes too long.
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
        waited.cancel()  # where nobody waits any more: a client that went away


AnyRequest: TypeAlias = TextRequest | PageRequest | AddressRequest

_READERS = 2
_FETCHERS = 8  # which mostly wait
_SAMPLE = (
    "<h1>Ferry fares rise</h1><p>The ferry to Orrin will cost more from Monday, the council of "
    "Karst decided after a long debate in which nobody spoke against it. Observers say the new "
    "fare is only the beginning, and that a second one may follow in the spring.</p>"
)


class ScoringService:
    """Everything that answers share: the scorer's queue, the threads, capacity and metrics.

    Parameters
    ----------
    scorer : Scorer
        Its ``seconds`` limit an article's scoring.
    limits : Limits
    """

    def __init__(self, scorer: Scorer, limits: Limits) -> None:
        self.scorer, self.limits = scorer, limits
        self.capacity = Capacity(limits.waiting)
        self.metrics = Metrics(scorer.bundle)
        self.queue = ScoringQueue(scorer, self.metrics, limits.seconds)
        self.metrics.watch(lambda: self.queue.waiting, lambda: self.capacity.taken)
        self.stopping = False
        self._readers = ThreadPoolExecutor(_READERS, "framescope-pages")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, "framescope-fetch")

    @property
    def ready(self) -> bool:
        """Whether new articles are accepted."""
        return self.queue.alive and not self.stopping

    def open(self) -> None:
        """Warm up the model and the registry, and start the scoring thread."""
        list(self.scorer.score(read(PageRequest(html=_SAMPLE), self.limits.size)))
        look_up(self.scorer.registry, "nobody.example")
        self.queue.start()

    def close(self) -> None:
        """Finish the articles that were begun."""
        self.stopping = True
        self.queue.stop()
        for pool in (self._readers, self._fetchers):
            pool.shutdown(wait=False, cancel_futures=True)

    # --- answers ----------------------------------------------------------------------------------

    async def report(self, posted: AnyRequest) -> BatchReport:
        """Read and score the articles of one request.

        Raises
        ------
        RequestError
            When there is no article in it, or it can't be scored now.
        """
        fetched = isinstance(posted, AddressRequest)
        if fetched and not self.limits.urls:
            reason = "addresses are not fetched here; send the page as 'html', or its 'text'"
            raise RequestError(403, f"{reason}, or start the service with --allow-urls")
        pool = self._fetchers if fetched else self._readers
        given = await self._in(pool, lambda: read(posted, self.limits.size))
        if not any(isinstance(item, Article) for item in given):
            raise _nothing(given)
        more = len(given) - 1  # the guard has given a seat to the first
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

    async def as_json(self, report: BatchReport) -> str:
        """Write a report as `framescope score --format json` does, on one line."""
        return await self._in(self._readers, lambda: to_json(report, indent=None))

    async def as_html(self, report: BatchReport) -> str:
        """Write a report as one page."""
        return await self._in(self._readers, lambda: to_html(report))

    async def source(self, key: str) -> dict[str, Any]:
        """Look an outlet up, or raise `RequestError`."""
        answer = await self._in(self._readers, lambda: look_up(self.scorer.registry, key))
        if not answer.found:
            raise RequestError(404, _unknown(answer))
        return answers_to_json(answer)

    def signals(self) -> list[dict[str, Any]]:
        """List the taxonomy with the model's thresholds."""
        thresholds = self.scorer.thresholds
        return [
            {**asdict(one), "given": one.name in thresholds, "threshold": thresholds.get(one.name)}
            for one in SIGNALS
        ]

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await within(pool.submit(work), self.limits.seconds, self.queue.retry)


def _nothing(given: Sequence[Item | Article]) -> RequestError:
    skipped = [item for item in given if isinstance(item, Skipped)]
    if not skipped:
        return RequestError(422, "holds no article")
    long = skipped[-1].reason.startswith("longer than")
    return RequestError(413 if long else 422, f"{skipped[-1].source}: {skipped[-1].reason}")


def _unknown(answer: Answer) -> str:
    meant = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.close)
    hint = f"did you mean {meant}?" if meant else "give a host, a name, an id or a QID"
    return f"'{printable(answer.query)}': no outlet has this host, name, id or QID; {hint}"
