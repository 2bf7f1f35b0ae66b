"""Requests: schemas, articles, the threads that score those together, limits, middleware."""

import asyncio
import ctypes
import gc
import hmac
import json
import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self, TypeAlias, TypeVar

import prometheus_client as prom
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import FramescopeError, InputError
from framescope.classifier.inputs import detect_language, read_input, read_value
from framescope.classifier.outlets import look_up
from framescope.classifier.records import Article, ArticleReport, BatchReport, Origin, Skipped
from framescope.classifier.scoring import Scorer
from framescope.classifier.validation import Checked
from pydantic import ConfigDict, Field, model_validator
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SHORT = 50_000  # characters of a request up to which it is short; more wait in a lane of their own
_LEAST = 5_000  # characters that an article counts as at least
_TOGETHER = 32  # articles from which no more are waited for
_LINGER = 0.004  # seconds that the first article of a batch waits for company
_OLD = 0.8  # the weight of what was measured before
_QUIET = 3.0  # seconds after a large request until its memory is given back
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

    size: int = 2_000_000  # bytes of a body
    characters: int = 200_000  # of an article
    seconds: float = 60.0  # for an article, to wait, and again to be scored
    waiting: int = 1_000_000  # characters that are read, wait, or are scored, in each lane
    token: bytes | None = field(default=None, repr=False)
    urls: bool = False  # whether addresses are fetched
    host: str = ""  # the one name, beside loopback ones, that requests may be for; "": any
    head: float = 10.0  # seconds for a request's line and headers
    body: float = 30.0  # seconds for its body


_MARK = "\ufeff"
_WHOLE = ("<!doctype html>\n", "<!doctype", "<html", "<?xml", "<!--")  # what a page begins with
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

_EXAMPLES: list[Any] = [{"text": _EXAMPLE}, {"html": _PAGE, "id": "fares"}]
_CALLED = "What the article is called in the report; a file's name, say."
KINDS = ("text", "html", "url")


class ScoreRequest(Checked):
    """An article, as its text, as the source of a web page, or by its address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": _EXAMPLES, "oneOf": [{"required": [kind]} for kind in KINDS]}
    )

    text: str = Field(
        default="", min_length=1, description="Whatever a file may hold: told by content."
    )
    html: str = Field(default="", min_length=1, description="A page's source, or a part of it.")
    url: str = Field(
        default="",
        min_length=9,
        max_length=2000,
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://",
        description="Of a page, which is fetched if the service was started with --allow-urls.",
    )
    id: str | None = Field(default=None, min_length=1, max_length=300, description=_CALLED)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.model_fields_set.intersection(KINDS)) != 1:
            raise ValueError("give one of 'text', 'html' or 'url'")
        return self

    @property
    def weight(self) -> int:
        """As how many characters it counts before it is read; most of a page is markup."""
        return max(_LEAST, len(self.text), len(self.html) // 10)

    def articles(self) -> Iterator[Article | Skipped]:
        """Read the articles; raises `InputError`, for a private address too."""
        name, text = self.id or ("text" if self.text else "page"), self.text.removeprefix(_MARK)
        try:
            if self.url:
                for number, item in enumerate(read_input(self.url), start=1):
                    if self.id and isinstance(item, Article):
                        item = replace(item, id=self.id if number == 1 else f"{self.id}-{number}")
                    yield item
            elif self.text:
                # The mark, which reading takes off, keeps a line from being taken for a file's
                # name or an address.
                mark = _MARK if len(text.strip().splitlines()) == 1 else ""
                yield from read_value(mark + text, name)
            else:
                page = self.html.removeprefix(_MARK)
                whole = page.lstrip().lower().startswith(_WHOLE)
                # On two lines at least, for the same reason.
                yield from read_value(f"{'' if whole else _WHOLE[0]}{page}\n<!-- -->", name)
        except InputError as error:
            if not self.text or error.source == name:
                raise InputError(error.source, error.reason.removesuffix(_PRIVATE)) from None
            # One that still looks like such a name is the article as it stands.
            yield Article(name, text, lang=detect_language(text), origin=Origin(name))


class BatchRequest(Checked):
    """Several articles."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"articles": _EXAMPLES}]})

    articles: list[ScoreRequest] = Field(
        min_length=1, description="Of --max-waiting characters together at most."
    )


def read(posted: ScoreRequest, most: int) -> list[Article | Skipped]:
    """Read a request, skipping articles of more than `most` characters; raises `RequestError`."""
    try:
        found = list(posted.articles())
    except InputError as error:
        raise RequestError(422, str(error)) from None
    advice = "divide it, or start the service with --max-characters"
    return [
        Skipped(item.id, f"longer than {most:,} characters ({len(item.text):,}); {advice}")
        if isinstance(item, Article) and len(item.text) > most
        else item
        for item in found
    ]


class Metrics:
    """Counts and times of one service, for Prometheus."""

    def __init__(self, bundle: Bundle) -> None:
        kept = self.registry = prom.CollectorRegistry()
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
            "in_house", "Characters being read, waiting or being scored.", **prefix
        )
        about = {"version": __version__, "model": bundle.name}
        about |= {"digest": bundle.digest, "runtime": bundle.runtime}
        prom.Info("bundle", "What scores are computed with.", **prefix).info(about)
        prom.ProcessCollector(registry=kept)  # memory, files, processor time


# The articles of one request, and the future that gets their reports.
_Job: TypeAlias = tuple[Sequence[Article | Skipped], Future[list[Item]]]


def characters(articles: Sequence[Article | Skipped]) -> int:
    """Return as how many characters articles count."""
    texts = (one.text for one in articles if isinstance(one, Article))
    return sum(max(_LEAST, len(text)) for text in texts)


class Lane:
    """A thread that scores requests in their order, several in one call; and its capacity.

    Two lanes score at once, the model in turns: what is short never waits for what is long.
    Capacity, in characters, belongs to the event loop and has no lock.
    """

    def __init__(self, scorer: Scorer, metrics: Metrics, seconds: float, most: int) -> None:
        self._scorer, self._metrics, self._seconds = scorer, metrics, seconds
        self.most, self.taken = most, 0
        self.jobs: Queue[_Job | None] = Queue()
        self.thread = Thread(target=self._run, name="framescope-scorer", daemon=True)
        self.readers = ThreadPoolExecutor(2, "framescope-reader")
        self._pace = 1 / 30_000  # seconds a character, as lately

    def stop(self) -> None:
        """Score what waits, and end the thread."""
        self.jobs.put(None)
        self.thread.join(2 * self._seconds)
        self.readers.shutdown(wait=False, cancel_futures=True)

    def retry(self) -> int:
        """Estimate in how many seconds there is room again, from 1 to 60."""
        return max(1, min(60, math.ceil(self.taken * self._pace)))

    @contextmanager
    def reserved(self, count: int = _LEAST, held: int = 0) -> Iterator[None]:
        """Reserve room for `count` characters during a block, or raise `RequestError` (429).

        The request holds room for some already. There is none for what would wait too long at the
        pace of late, but in an empty lane for anything.
        """
        room, more = min(self.most, self._seconds / self._pace), max(0, count - held)
        if more and self.taken > held and self.taken + more > room:
            again = self.retry()
            reason = f"full: articles of {self.taken:,} characters are waiting"
            raise RequestError(429, f"{reason}; try again in {again} s", again)
        self.taken += more
        try:
            yield
        finally:
            self.taken -= more

    async def score(self, articles: Sequence[Article | Skipped]) -> list[Item]:
        """Score the articles of one request, in order; raises `RequestError` as `within` does."""
        future: Future[list[Item]] = Future()
        self.jobs.put((articles, future))
        return await within(future, self._seconds, self.retry, len(articles))

    def _run(self) -> None:
        while self._go_on():
            continue

    def _go_on(self) -> bool:
        """Score the next job, with others that wait; return False when the lane is stopped."""
        if (first := self.jobs.get()) is None:
            return False
        jobs, until = [first], time.monotonic() + _LINGER
        count, size = len(first[0]), characters(first[0])
        # Few enough that none is late for its company.
        while count < _TOGETHER and size < min(_SHORT, self._seconds / self._pace / 4):
            try:
                job = self.jobs.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if job is None:
                self.jobs.put(None)  # for the next turn
                break
            jobs.append(job)
            count, size = count + len(job[0]), size + characters(job[0])
        # Clients that went away have cancelled theirs.
        if jobs := [job for job in jobs if job[1].set_running_or_notify_cancel()]:
            self._score(jobs)
        return True

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
        size = sum(characters(articles) for articles, _ in jobs)
        self._pace = _OLD * self._pace + (1 - _OLD) * seconds / max(1, size)
        items = iter(found)
        for articles, future in jobs:
            future.set_result(list(islice(items, len(articles))))


async def within(future: Future[T], seconds: float, retry: Callable[[], int], count: int = 1) -> T:
    """Wait `seconds` until a thread begins, else 429, and for each of `count` to end, else 504."""
    waited = asyncio.wrap_future(future)
    try:
        done, _ = await asyncio.wait({waited}, timeout=seconds)
        if not done and future.cancel():
            again = retry()
            reason = f"waited {seconds:g} s, and others are before it"
            raise RequestError(429, f"{reason}; try again in {again} s", again)
        if not done:
            done, _ = await asyncio.wait({waited}, timeout=seconds * count)
        if not done:
            raise RequestError(504, f"took longer than {seconds:g} s; give a shorter text")
        return waited.result()
    finally:
        waited.cancel()  # a client that went away


class ScoringService:
    """Everything that requests share: the scorer's lanes, the threads and metrics."""

    def __init__(self, scorer: Scorer, limits: Limits) -> None:
        self.scorer, self.limits = scorer, limits
        self.metrics = Metrics(scorer.bundle)
        self.most = max(limits.waiting, limits.characters)
        given = scorer, self.metrics, limits.seconds, limits.waiting
        self.short, self.long = self.lanes = Lane(*given), Lane(*given)
        self.metrics.waiting.set_function(lambda: sum(one.jobs.qsize() for one in self.lanes))
        self.metrics.capacity.set_function(lambda: sum(one.taken for one in self.lanes))
        self.stopping = self.tidying = False
        self.crowded: Callable[[], bool] = lambda: False  # whether there are too many connections
        self._fetchers = ThreadPoolExecutor(8, "framescope-fetch")  # which mostly wait

    @property
    def ready(self) -> bool:
        """Whether new articles are accepted."""
        return all(one.thread.is_alive() for one in self.lanes) and not self.stopping

    def open(self) -> None:
        """Warm up the model and the registry, and start the scoring thread."""
        list(self.scorer.score(read(ScoreRequest(html=_PAGE), self.limits.characters)))
        look_up(self.scorer.registry, "nobody.example")
        for one in self.lanes:
            one.thread.start()

    def close(self) -> None:
        """Finish the articles that were begun."""
        self.stopping = True
        for one in self.lanes:
            one.stop()
        self._fetchers.shutdown(wait=False, cancel_futures=True)

    def tidy(self) -> None:
        """Return freed memory, which the C library would keep, to the system; once in a while."""
        self.tidying = False
        gc.collect()
        with suppress(AttributeError, OSError, TypeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)

    def lane(self, size: int) -> Lane:
        """Return the lane of a request of some characters; too many for any are 413."""
        if size > self.most:
            reason = f"counts as {size:,} characters, and {self.most:,} may wait at once"
            raise RequestError(413, f"{reason}; divide it, or start the service with --max-waiting")
        return self.short if size <= _SHORT else self.long

    async def report(self, posted: ScoreRequest, batch: Lane | None = None) -> BatchReport:
        """Read and score the articles of one request, or raise `RequestError`.

        One of a batch has room in its lane already, as much as it weighs.
        """
        if posted.url and not self.limits.urls:
            reason = "addresses are not fetched here; send the page as 'html', or its 'text'"
            raise RequestError(403, f"{reason}, or start the service with --allow-urls")
        held = min(posted.weight, self.most)  # what is too long is refused when it is read
        lane = batch or self.lane(held)
        with nullcontext() if batch else lane.reserved(held):
            given = await self.work(read, posted, self.limits.characters, of=posted)
            if not given:
                raise RequestError(422, "holds no article")
            if not any(isinstance(item, Article) for item in given):
                last: Any = given[-1]
                long = last.reason.startswith("longer than")
                raise RequestError(413 if long else 422, f"{last.source}: {last.reason}")
            size = characters(given)
            own = self.lane(size) if batch is None else batch
            with own.reserved(size, held if own is lane else 0):
                found = await own.score(given)
        reports = tuple(item for item in found if isinstance(item, ArticleReport))
        skipped = tuple(item for item in found if isinstance(item, Skipped))
        if not reports:
            raise RequestError(504, "; ".join(f"{one.source}: {one.reason}" for one in skipped))
        scorer, bundle = self.scorer, self.scorer.bundle
        return BatchReport(
            reports, bundle.name, scorer.signals, scorer.thresholds, skipped, bundle.runtime,
            bundle.digest,
        )  # fmt: skip

    async def work(self, function: Callable[..., T], *given: Any, of: ScoreRequest | None) -> T:
        """Do something for a request in a thread; raises `RequestError` as `within` does."""
        lane = self.long if of and of.weight > _SHORT else self.short
        pool = self._fetchers if of and of.url else lane.readers
        return await within(pool.submit(function, *given), self.limits.seconds, lane.retry)


OPEN = frozenset({"/", "/health"})  # without a token
_WORK = frozenset({"/score", "/score/batch"})
_KNOWN = OPEN | _WORK | {"/signals", "/sources/{key}", "/ready", "/metrics", "/openapi.json"}
_LOOPBACK = re.compile(r"((.+\.)?localhost\.?|127(\.\d{1,3}){3}|\[::1\])(:\d*)?")  # as a Host
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
            unread = error.status in (408, 413, 421) or self._service.crowded()
            close = {"connection": "close"} if unread else None
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
        host = headers.get(b"host", b"localhost").decode("latin-1").lower()
        own = self._limits.host.lower()
        if own and not _LOOPBACK.fullmatch(host) and host.partition(":")[0] != own:
            # A page of another site, whose name leads to this machine now (DNS rebinding).
            reason = "its Host header names neither this machine nor what --host says"
            raise RequestError(421, f"{reason}; ask for localhost")
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
        short = self._service.short
        if self._service.crowded():
            again = short.retry()
            raise RequestError(429, f"full: too many connections; try again in {again} s", again)
        with short.reserved():  # else it isn't worth reading
            pass
        body = await self._body(headers, receive)
        await _answered(self.app, scope, body, receive, send)
        if len(body) > _SHORT and not self._service.tidying:
            self._service.tidying, loop = True, asyncio.get_running_loop()
            loop.call_later(_QUIET, loop.run_in_executor, None, self._service.tidy)

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        most, size, kept = self._limits.size, 0, bytearray()
        reason = f"longer than {most:,} bytes; divide it, or start the service with --max-bytes"
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > most and b"expect" in headers:
            raise RequestError(413, reason)
        try:
            async with asyncio.timeout(self._limits.body):
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
            raise RequestError(408, f"no whole request within {self._limits.body:g} s") from None
        if size > most:
            raise RequestError(413, reason)
        return bytes(kept)


async def _answered(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Run the application, and cancel it when the client disconnects."""

    async def whole() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            continue

    gone, answer = asyncio.ensure_future(left()), asyncio.ensure_future(app(scope, whole, send))
    try:
        await asyncio.wait({gone, answer}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
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
