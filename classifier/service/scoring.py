"""Requests: schemas, articles, the one thread that scores those together, limits, middleware."""

import asyncio
import hmac
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from queue import Empty, Queue
from threading import Thread
from typing import Annotated, Any, TypeAlias, TypeVar

import prometheus_client as prom
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import FramescopeError, InputError
from framescope.classifier.inputs import detect_language, read_input, read_value
from framescope.classifier.outlets import look_up
from framescope.classifier.records import Article, ArticleReport, BatchReport, Origin, Skipped
from framescope.classifier.scoring import Scorer
from framescope.classifier.validation import Checked
from pydantic import ConfigDict, Discriminator, Field, Tag
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOGETHER = 32  # articles from which no more are waited for
_LINGER = 0.004  # seconds that the first article of a batch waits for company
_OLD = 0.8  # the weight of what was measured before
_BATCH = (1, 2, 4, 8, 16, 32, 64)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Item: TypeAlias = ArticleReport | Skipped
T = TypeVar("T")


class RequestError(FramescopeError):
    """A request that is answered with an error: its HTTP status, and when to try again."""

    def __init__(self, status: int, reason: str, retry: int | None = None) -> None:
        super().__init__(" ".join(reason.split()))
        self.status = status
        self.retry = retry


@dataclass(frozen=True)
class Limits:
    """What one service takes at most."""

    size: int = 2_000_000  # bytes of a body, characters of an article
    seconds: float = 60.0  # to send a body; for an article, to wait, and again to be scored
    waiting: int = 128  # articles that are read, wait, or are scored
    token: bytes | None = field(default=None, repr=False)
    urls: bool = False  # whether addresses are fetched


class Capacity:
    """Counts the articles in the service; belongs to the event loop and has no lock."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    @contextmanager
    def reserved(self, count: int, retry: int) -> Iterator[None]:
        """Reserve places for `count` articles during a block, or raise `RequestError` (429)."""
        if self.taken + count > self.most:
            reason = f"full: {self.taken} articles are waiting, and {self.most} may"
            raise RequestError(429, f"{reason}; try again in {retry} s", retry)
        self.taken += count
        try:
            yield
        finally:
            self.taken -= count


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
        kept = self._registry = prom.CollectorRegistry()
        prefix: dict[str, Any] = {"namespace": "framescope", "registry": kept}
        self.requests = prom.Counter("requests", "Requests answered.", ["path", "status"], **prefix)
        self.seconds = prom.Histogram(
            "request_seconds", "From a request's first byte to its answer's last.", ["path"],
            buckets=_SECONDS, **prefix,
        )  # fmt: skip
        self.articles = prom.Counter("articles", "Articles scored.", **prefix)
        self.sentences = prom.Counter("sentences", "Sentences scored.", **prefix)
        self.batches = prom.Histogram(
            "batch_articles", "Articles scored together.", buckets=_BATCH, **prefix
        )
        self.scoring = prom.Counter("scoring_seconds", "Seconds spent on scoring.", **prefix)
        self.waiting = prom.Gauge("waiting", "Articles that wait to be scored.", **prefix)
        self.capacity = prom.Gauge(
            "in_house", "Articles being read, waiting or being scored.", **prefix
        )
        about = {"version": __version__, "model": bundle.name}
        about |= {"digest": bundle.digest, "runtime": bundle.runtime}
        prom.Info("bundle", "What scores are computed with.", **prefix).info(about)
        prom.ProcessCollector(registry=kept)  # memory, files, processor time

    def text(self) -> bytes:
        """Write the metrics in Prometheus' text format."""
        return prom.generate_latest(self._registry)


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


OPEN = frozenset({"/", "/health"})  # without a token
_WORK = frozenset({"/score", "/score/batch"})
_KNOWN = OPEN | _WORK | {"/signals", "/sources/{key}", "/ready", "/metrics", "/openapi.json"}
_DISCARDED = 16  # times the limit that is still taken, and thrown away, of too long a body
_GONE = 499  # what is counted of a client that went away before it was answered
DEFECT = "failed here, and it isn't the request's fault; the service's log says where"
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))

log = logging.getLogger("framescope.service")


def named(path: str) -> str:
    """Return the route that a request counts under, so that clients can't add metrics."""
    found = "/sources/{key}" if path.startswith("/sources/") else path
    return found if found in _KNOWN else "other"


class LimitsMiddleware:
    """Passes requests to the application, or refuses them before a body is parsed or kept."""

    def __init__(self, app: ASGIApp, service: Any) -> None:
        self.app, self._service, self._limits = app, service, service.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, path = time.monotonic(), named(scope["path"])
        status = _GONE

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            await self._answer(scope, path, receive, noting)
        except RequestError as error:
            # A body that wasn't read to its end stands in the way of the next request.
            close = {"connection": "close"} if error.status in (408, 413) else None
            await error_response(error, close)(scope, receive, noting)
        except ConnectionAbortedError:  # the client went away before it had sent its request
            pass
        except Exception:  # a defect of ours, which is for the log and not for the client
            log.exception("%s %s failed", scope["method"], path)
            if status == _GONE:
                await error_response(RequestError(500, DEFECT))(scope, receive, noting)
        finally:
            metrics = self._service.metrics
            metrics.requests.labels(path, str(status)).inc()
            metrics.seconds.labels(path).observe(time.monotonic() - began)

    async def _answer(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if path not in OPEN and self._limits.token is not None:
            scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
            right = hmac.compare_digest(token.strip(), self._limits.token)
            if not right or scheme.lower() != b"bearer":
                reason = "needs the service's token; send the header Authorization: Bearer TOKEN"
                raise RequestError(401, reason)
        if path not in _WORK or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        # Another site's page can't send this type without asking the browser's leave first.
        kind = headers.get(b"content-type", b"").partition(b";")[0]
        if kind.strip().lower() != b"application/json":
            raise RequestError(415, "is no JSON by its header; send Content-Type: application/json")
        with self._service.capacity.reserved(1, self._service.queue.retry()):
            await _answered(self.app, scope, await self._body(headers, receive), receive, send)

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        most, size, kept = self._limits.size, 0, bytearray()
        reason = f"longer than {most:,} bytes; divide it, or start the service with --max-bytes"
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > most and b"expect" in headers:
            raise RequestError(413, reason)
        try:
            async with asyncio.timeout(self._limits.seconds):
                more = True
                while more and size <= _DISCARDED * most:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionAbortedError
                    part, more = message.get("body", b""), message.get("more_body", False)
                    size += len(part)
                    # Clients listen when they have sent all: what is too long is taken, not kept.
                    if size <= most:
                        kept += part
                    else:
                        kept.clear()
        except TimeoutError:
            raise RequestError(408, f"no whole request within {self._limits.seconds:g} s") from None
        if size > most:
            raise RequestError(413, reason)
        return bytes(kept)


async def _answered(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Run the application, and cancel it when the client disconnects."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            continue

    async def replay() -> Message:
        if unread:
            return unread.pop()
        await asyncio.shield(gone)
        return {"type": "http.disconnect"}

    gone = asyncio.ensure_future(left())
    answer = asyncio.ensure_future(app(scope, replay, send))
    gone.add_done_callback(lambda _: answer.cancel())
    try:
        await asyncio.wait({answer})
        if not answer.cancelled():
            answer.result()
    finally:
        answer.cancel()
        gone.cancel()


def error_response(error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that is refused."""
    found = {"cache-control": "no-store", **(headers or {})}
    if error.retry is not None:
        found["retry-after"] = str(error.retry)
    if error.status == 401:
        found["www-authenticate"] = "Bearer"
    # In ASCII: what it quotes of a request may be half a character.
    body = json.dumps({"error": str(error)})
    return Response(body, error.status, found, media_type="application/json")
