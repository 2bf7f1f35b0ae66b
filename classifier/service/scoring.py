"""Requests: their schemas, their articles, and the one thread that scores those together."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from queue import Empty, Queue
from threading import Thread
from typing import Annotated, Any, TypeAlias, TypeVar

import prometheus_client as prometheus
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import detect_language, read_input, read_value
from framescope.classifier.outlets import look_up
from framescope.classifier.records import Article, ArticleReport, BatchReport, Origin, Skipped
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.limits import Capacity, Limits, RequestError
from framescope.classifier.validation import Checked
from pydantic import ConfigDict, Discriminator, Field, Tag

_TOGETHER = 32  # articles from which no more are waited for
_LINGER = 0.004  # seconds that the first article of a batch waits for company
_OLD = 0.8  # the weight of what was measured before
_BATCH = (1, 2, 4, 8, 16, 32, 64)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Item: TypeAlias = ArticleReport | Skipped
T = TypeVar("T")

_MARK = "\ufeff"
_WHOLE = ("<!doctype", "<html", "<?xml", "<!--")  # what a page begins with
_PRIVATE = "; add --allow-private if that is meant"

_EXAMPLE = (
    "The ferry to Orrin will cost more from Monday.\n\nObservers say the wicked new fare is only "
    "the beginning. “Nobody asked us,” said Ann Ray, the mayor of Karst."
)
_PAGE = (
    "<html><head><title>Ferry fares rise</title></head><body><article><h1>Ferry fares rise</h1>"
    "<p>The ferry to Orrin will cost more from Monday, the council of Karst decided after a long "
    "debate in which nobody spoke against it. Observers say the new fare is only the beginning."
    "</p></article></body></html>"
)

_CALLED = "What the article is called in the report; a file's name, say."
Id = Annotated[str | None, Field(min_length=1, max_length=300, description=_CALLED)]


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class TextRequest(Checked):
    """A text, or whatever else a file may hold that `framescope score` reads: told by content."""

    model_config = _example({"text": _EXAMPLE})

    text: str = Field(min_length=1, description="The article, or the page it was copied from.")
    id: Id = None

    def articles(self) -> Iterator[Article | Skipped]:
        """Read the articles; raises `InputError`."""
        name = self.id or "text"
        text = self.text.removeprefix(_MARK)
        # The mark, which reading takes off, keeps a line from being taken for a file's name or an
        # address. One that still looks like such a name is the article as it stands.
        mark = _MARK if len(text.strip().splitlines()) == 1 else ""
        try:
            yield from read_value(mark + text, name)
        except InputError as error:
            if error.source == name:
                raise
            yield Article(name, text, lang=detect_language(text), origin=Origin(name))


class PageRequest(Checked):
    """A web page."""

    model_config = _example({"html": _PAGE, "id": "fares"})

    html: str = Field(min_length=1, description="The page's source, or a part of it.")
    id: Id = None

    def articles(self) -> Iterator[Article | Skipped]:
        """Read the articles; raises `InputError`."""
        page = self.html.removeprefix(_MARK)
        if not page.lstrip().lower().startswith(_WHOLE):
            page = f"<!doctype html>\n{page}"
        # On two lines at least, so that it isn't taken for a file's name.
        return read_value(f"{page}\n<!-- -->", self.id or "page")


class AddressRequest(Checked):
    """The address of a page, which is fetched where the service was started with --allow-urls."""

    model_config = _example({"url": "https://karst.example/ferry-fares"})

    url: str = Field(
        min_length=9,
        max_length=2000,
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://",
        description="Of a page.",
    )
    id: Id = None

    def articles(self) -> Iterator[Article | Skipped]:
        """Fetch the page and read its articles; raises `InputError`, for a private address too."""
        try:
            for number, item in enumerate(read_input(self.url), start=1):
                if self.id and isinstance(item, Article):
                    item = replace(item, id=self.id if number == 1 else f"{self.id}-{number}")
                yield item
        except InputError as error:
            raise InputError(error.source, error.reason.removesuffix(_PRIVATE)) from None


KINDS = ("text", "html", "url")


def _kind(value: Any) -> str | None:
    """Return the kind of a request, by the one key that tells it."""
    if isinstance(value, Checked):
        return next(kind for kind in KINDS if hasattr(value, kind))
    found = [kind for kind in KINDS if isinstance(value, Mapping) and kind in value]
    return found[0] if len(found) == 1 else None


ScoreRequest: TypeAlias = Annotated[
    Annotated[TextRequest, Tag("text")]
    | Annotated[PageRequest, Tag("html")]
    | Annotated[AddressRequest, Tag("url")],
    Discriminator(
        _kind,
        custom_error_type="posted",
        custom_error_message="give an object with one of 'text', 'html' or 'url'",
    ),
]


class BatchRequest(Checked):
    """Several articles."""

    model_config = _example({"articles": [{"text": _EXAMPLE}, {"html": _PAGE, "id": "fares"}]})

    articles: list[ScoreRequest] = Field(
        min_length=1, description="As many as --max-waiting at most."
    )


AnyRequest: TypeAlias = TextRequest | PageRequest | AddressRequest


def read(posted: AnyRequest, most: int) -> list[Article | Skipped]:
    """Read a request, skipping articles of more than `most` characters; raises `RequestError`."""
    try:
        found = list(posted.articles())
    except InputError as error:
        raise RequestError(422, str(error)) from None
    return [
        Skipped(item.id, f"longer than {most:,} characters ({len(item.text):,}); divide it")
        if isinstance(item, Article) and len(item.text) > most
        else item
        for item in found
    ]


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


# The articles of one request, and the future that gets their reports.
_Job: TypeAlias = tuple[Sequence[Article | Skipped], Future[list[Item]]]


class ScoringQueue:
    """The one thread that scores (models are not made for several): what waits, in one call."""

    def __init__(self, scorer: Scorer, metrics: Metrics, seconds: float) -> None:
        self._scorer, self._metrics, self._seconds = scorer, metrics, seconds
        self.jobs: Queue[_Job | None] = Queue()
        self.thread = Thread(target=self._run, name="framescope-scorer", daemon=True)
        self._pace = 0.1  # seconds an article, as lately

    def stop(self) -> None:
        """Score what waits, and end the thread."""
        self.jobs.put(None)
        self.thread.join(2 * self._seconds)

    def retry(self) -> int:
        """Estimate in how many seconds there is room again, from 1 to 60."""
        return max(1, min(60, math.ceil(self.jobs.qsize() * self._pace)))

    async def score(self, articles: Sequence[Article | Skipped]) -> list[Item]:
        """Score the articles of one request, in order; raises `RequestError` as `within` does."""
        future: Future[list[Item]] = Future()
        self.jobs.put((articles, future))
        return await within(future, self._seconds, self.retry)

    def _run(self) -> None:
        last = False
        while not last and (first := self.jobs.get()) is not None:
            jobs, last = self._gathered(first)
            # Clients that went away have cancelled theirs.
            if jobs := [job for job in jobs if job[1].set_running_or_notify_cancel()]:
                self._score(jobs)

    def _gathered(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return the jobs that wait, and whether the queue is stopping."""
        jobs, until = [first], time.monotonic() + _LINGER
        while sum(len(articles) for articles, _ in jobs) < _TOGETHER:
            try:
                job = self.jobs.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _score(self, jobs: Sequence[_Job]) -> None:
        began = time.monotonic()
        try:
            found = list(self._scorer.score([one for articles, _ in jobs for one in articles]))
        except Exception as error:  # a defect, which must not reach the others
            if len(jobs) == 1:
                jobs[0][1].set_exception(error)
            else:
                for job in jobs:
                    self._score([job])
            return
        seconds = time.monotonic() - began
        reports = [item for item in found if isinstance(item, ArticleReport)]
        self._metrics.batches.observe(len(found))
        self._metrics.scoring.inc(seconds)
        self._metrics.articles.inc(len(reports))
        self._metrics.sentences.inc(sum(len(report.sentences) for report in reports))
        self._pace = _OLD * self._pace + (1 - _OLD) * seconds / max(1, len(found))
        items = iter(found)
        for articles, future in jobs:
            future.set_result(list(islice(items, len(articles))))


async def within(future: Future[T], seconds: float, retry: Callable[[], int]) -> T:
    """Wait `seconds` until a thread's work begins, else 429, and again until it ends, else 504."""
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


class ScoringService:
    """Everything that requests share: the scorer's queue, the threads, capacity and metrics."""

    def __init__(self, scorer: Scorer, limits: Limits) -> None:
        self.scorer, self.limits = scorer, limits
        self.capacity = Capacity(limits.waiting)
        self.metrics = Metrics(scorer.bundle)
        self.queue = ScoringQueue(scorer, self.metrics, limits.seconds)
        self.metrics.waiting.set_function(self.queue.jobs.qsize)
        self.metrics.capacity.set_function(lambda: self.capacity.taken)
        self.stopping = False
        self._readers = ThreadPoolExecutor(2, "framescope-pages")
        self._fetchers = ThreadPoolExecutor(8, "framescope-fetch")  # which mostly wait

    @property
    def ready(self) -> bool:
        """Whether new articles are accepted."""
        return self.queue.thread.is_alive() and not self.stopping

    def open(self) -> None:
        """Warm up the model and the registry, and start the scoring thread."""
        list(self.scorer.score(read(PageRequest(html=_PAGE), self.limits.size)))
        look_up(self.scorer.registry, "nobody.example")
        self.queue.thread.start()

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
        if not given:
            raise RequestError(422, "holds no article")
        if not any(isinstance(item, Article) for item in given):
            last: Any = given[-1]
            long = last.reason.startswith("longer than")
            raise RequestError(413 if long else 422, f"{last.source}: {last.reason}")
        more = len(given) - 1  # the middleware has reserved a place for the first
        if more >= self.capacity.most:
            reason = f"holds {len(given):,} articles, and {self.capacity.most:,} may wait at once"
            raise RequestError(413, f"{reason}; divide it")
        with self.capacity.reserved(more, self.queue.retry()):
            found = await self.queue.score(given)
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
