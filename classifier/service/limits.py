"""Limits of a service, its token, and the middleware that enforces them."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import FramescopeError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "FRAMESCOPE_TOKEN"  # the environment variable


class ServiceError(FramescopeError):
    """A service that can't be started as asked."""


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


def read_token(file: Path | None) -> bytes | None:
    """Read the token from a file, else from the environment; raises `ServiceError`."""
    given, place = os.environ.get(TOKEN), TOKEN
    if file is not None:
        place = str(file)
        try:
            given = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise ServiceError(f"{file}: can't be read ({why}); give a file with a token") from None
    if given is None:
        return None
    if not given or not given.isascii() or not given.isprintable() or " " in given:
        reason = "holds no token: one line of visible ASCII characters"
        raise ServiceError(f"{place}: {reason}; make one with: openssl rand -hex 32")
    return given.encode()


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


OPEN = frozenset({"/", "/health"})  # without a token
_WORK = frozenset({"/score", "/score/batch"})
_KNOWN = OPEN | _WORK | {"/signals", "/ready", "/metrics", "/openapi.json"}
_DISCARDED = 16  # times the limit that is still taken, and thrown away, of too long a body
_GONE = 499  # what is counted of a client that went away before it was answered
DEFECT = "failed here, and it isn't the request's fault; the service's log says where"
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))

log = logging.getLogger("framescope.service")


def named(path: str) -> str:
    """Return the route that a request counts under, so that clients can't add metrics."""
    if path.startswith("/sources/"):
        return "/sources/{key}"
    return path if path in _KNOWN else "other"


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
            body = await self._body(headers, receive)
            await _answered(self.app, scope, body, receive, send)

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """Read a body whole, within the limits of size and time."""
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
    from starlette.responses import Response

    found = {"cache-control": "no-store", **(headers or {})}
    if error.retry is not None:
        found["retry-after"] = str(error.retry)
    if error.status == 401:
        found["www-authenticate"] = "Bearer"
    # In ASCII: what it quotes of a request may be half a character.
    body = json.dumps({"error": str(error)})
    return Response(body, error.status, found, media_type="application/json")
