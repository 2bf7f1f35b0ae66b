"""From what is posted to a report: read in threads, scored in the queue, written in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeAlias, TypeVar

from framescope.classifier.outlets import Answer, answers_to_json, look_up
from framescope.classifier.records import Article, ArticleReport, BatchReport, Skipped, printable
from framescope.classifier.reports import to_html, to_json
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.bounds import Bounds, RequestError, Seats
from framescope.classifier.service.measures import Measures
from framescope.classifier.service.posted import PostedAddress, PostedPage, PostedText, read
from framescope.classifier.service.queue import Item, ScoringQueue, within
from framescope.classifier.taxonomy import SIGNALS

AnyPosted: TypeAlias = PostedText | PostedPage | PostedAddress
T = TypeVar("T")

_READERS = 2
_FETCHERS = 8  # which mostly wait
_SAMPLE = (
    "<h1>Ferry fares rise</h1><p>The ferry to Orrin will cost more from Monday, the council of "
    "Karst decided after a long debate in which nobody spoke against it. Observers say the new "
    "fare is only the beginning, and that a second one may follow in the spring.</p>"
)


class Desk:
    """Everything that answers share: the scorer's queue, the threads, seats and measures.

    Parameters
    ----------
    scorer : Scorer
        Its ``seconds`` limit an article's scoring.
    bounds : Bounds
    """

    def __init__(self, scorer: Scorer, bounds: Bounds) -> None:
        self.scorer, self.bounds = scorer, bounds
        self.seats = Seats(bounds.waiting)
        self.measures = Measures(scorer.bundle)
        self.queue = ScoringQueue(scorer, self.measures, bounds.seconds)
        self.measures.watch(lambda: self.queue.waiting, lambda: self.seats.taken)
        self.stopping = False
        self._readers = ThreadPoolExecutor(_READERS, "framescope-pages")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, "framescope-fetch")

    @property
    def ready(self) -> bool:
        """Whether new articles are welcome."""
        return self.queue.alive and not self.stopping

    def open(self) -> None:
        """Load what the first request would wait for, and begin to score."""
        list(self.scorer.score(read(PostedPage(html=_SAMPLE), self.bounds.size)))
        look_up(self.scorer.registry, "nobody.example")
        self.queue.start()

    def close(self) -> None:
        """Finish what was begun."""
        self.stopping = True
        self.queue.stop()
        for pool in (self._readers, self._fetchers):
            pool.shutdown(wait=False, cancel_futures=True)

    # --- answers ----------------------------------------------------------------------------------

    async def report(self, posted: AnyPosted) -> BatchReport:
        """Read and score what one request, or one of a batch, brought.

        Raises
        ------
        RequestError
            When there is no article in it, or it can't be scored now.
        """
        fetched = isinstance(posted, PostedAddress)
        if fetched and not self.bounds.urls:
            reason = "addresses are not fetched here; send the page as 'html', or its 'text'"
            raise RequestError(403, f"{reason}, or start the service with --allow-urls")
        pool = self._fetchers if fetched else self._readers
        given = await self._in(pool, lambda: read(posted, self.bounds.size))
        if not any(isinstance(item, Article) for item in given):
            raise _nothing(given)
        more = len(given) - 1  # the guard has given a seat to the first
        if more >= self.seats.most:
            reason = f"holds {len(given):,} articles, and {self.seats.most:,} may wait at once"
            raise RequestError(413, f"{reason}; divide it")
        self.seats.take(more, self.queue.retry())
        try:
            found = await self.queue.score(given)
        finally:
            self.seats.leave(more)
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
        """Look an outlet up; raises `RequestError` where nobody is called so."""
        answer = await self._in(self._readers, lambda: look_up(self.scorer.registry, key))
        if not answer.found:
            raise RequestError(404, _unknown(answer))
        return answers_to_json(answer)

    def signals(self) -> list[dict[str, Any]]:
        """List the taxonomy, and from which probability the model flags what it gives."""
        thresholds = self.scorer.thresholds
        return [
            {**asdict(one), "given": one.name in thresholds, "threshold": thresholds.get(one.name)}
            for one in SIGNALS
        ]

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await within(pool.submit(work), self.bounds.seconds, self.queue.retry)


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
