"""Articles of many requests, scored together by the one thread that has the model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import TypeAlias, TypeVar

from framescope.classifier.records import Article, ArticleReport, Skipped
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.bounds import RequestError
from framescope.classifier.service.measures import Measures

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
    measures : Measures
    seconds : float
        For which an article may wait.
    """

    def __init__(self, scorer: Scorer, measures: Measures, seconds: float) -> None:
        self._scorer, self._measures, self._seconds = scorer, measures, seconds
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
        """Whether anybody scores."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Jobs that nobody has begun."""
        return self._jobs.qsize()

    def retry(self) -> int:
        """Guess in how many seconds there is room again; 1 to 60."""
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
        """Take what waits beside a job; and say whether it was the last."""
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
        self._measures.batches.observe(len(found))
        self._measures.scoring.inc(seconds)
        self._measures.articles.inc(len(reports))
        self._measures.sentences.inc(sum(len(report.sentences) for report in reports))
        self._pace = _OLD * self._pace + (1 - _OLD) * seconds / max(1, len(found))


async def within(future: Future[T], seconds: float, retry: Callable[[], int]) -> T:
    """Wait for what a thread does: so long until it begins, and so long again until it is done.

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
