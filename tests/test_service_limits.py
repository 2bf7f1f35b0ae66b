"""Limits of the service: size, time, how many at once, who may ask, what is fetched."""

import asyncio
import json
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from fastapi.testclient import TestClient
from framescope.classifier.errors import BundleError, FramescopeError
from framescope.classifier.inputs import fetching
from framescope.classifier.records import Article
from framescope.classifier.service import connections
from framescope.classifier.service.commands import read_token, serve
from framescope.classifier.service.connections import Once
from framescope.classifier.service.scoring import Lane, Limits, LimitsMiddleware, RequestError
from serving import LINE, TEXT, listening, make, page

JSON = {"Content-Type": "application/json"}
PATIENCE = 20  # seconds that a test waits for what comes at once


class Held:
    """A scorer that waits for leave, and remembers what was scored together."""

    def __init__(self) -> None:
        self.leave, self.begun = threading.Event(), threading.Event()
        self.together: list[list[str]] = []

    def score(self, articles):
        found = list(articles)
        self.together.append([article.id for article in found])
        self.begun.set()
        assert self.leave.wait(PATIENCE)
        return iter(found)


def measures():
    nothing = SimpleNamespace(inc=lambda n=1: None, observe=lambda n: None)
    counted = SimpleNamespace(labels=lambda *names: nothing)
    return SimpleNamespace(
        batches=nothing, scoring=nothing, articles=nothing, sentences=nothing,
        requests=counted, seconds=counted,
    )  # fmt: skip


@pytest.fixture
def held():
    scorer = Held()
    yield scorer
    scorer.leave.set()


def lane(scorer, seconds=PATIENCE, most=100_000):
    found = Lane(scorer, measures(), seconds, most)
    found.thread.start()
    return found


async def begun(scorer) -> None:
    assert await asyncio.to_thread(scorer.begun.wait, PATIENCE)


def one(name: str) -> list[Article]:
    return [Article(name, LINE)]


def test_what_waits_is_scored_together_and_goes_back_to_who_asked(held):
    waiting = lane(held)

    async def ask():
        first = asyncio.ensure_future(waiting.score(one("first")))
        await begun(held)
        others = [asyncio.ensure_future(waiting.score(one(f"{n}"))) for n in range(5)]
        others.append(asyncio.ensure_future(waiting.score([*one("a"), *one("b")])))
        await asyncio.sleep(0)
        held.leave.set()
        return await first, await asyncio.gather(*others)

    first, others = asyncio.run(ask())
    waiting.stop()
    assert [item.id for item in first] == ["first"]
    theirs = [[item.id for item in found] for found in others]
    assert theirs == [["0"], ["1"], ["2"], ["3"], ["4"], ["a", "b"]]
    assert held.together == [["first"], ["0", "1", "2", "3", "4", "a", "b"]]


def test_whoever_waited_too_long_is_told_to_come_again_and_what_runs_too_long_is_late(held):
    waiting = lane(held, seconds=0.1)

    async def ask():
        running = asyncio.ensure_future(waiting.score(one("running")))
        await begun(held)
        return await asyncio.gather(running, waiting.score(one("waits")), return_exceptions=True)

    late, overrun = asyncio.run(ask())
    held.leave.set()
    waiting.stop()
    assert (late.status, overrun.status) == (504, 429)
    assert overrun.retry >= 1
    assert held.together == [["running"]]  # nobody waits for the other any more


def test_stopping_finishes_what_waits(held):
    waiting = lane(held)

    async def ask():
        jobs = [asyncio.ensure_future(waiting.score(one(f"{n}"))) for n in range(3)]
        await begun(held)
        stopping = asyncio.ensure_future(asyncio.to_thread(waiting.stop))
        held.leave.set()
        await stopping
        return await asyncio.gather(*jobs)

    assert [[item.id for item in found] for found in asyncio.run(ask())] == [["0"], ["1"], ["2"]]
    assert not waiting.thread.is_alive()


@pytest.fixture
def stuck(small_bundle, monkeypatch, request):
    """A client of a service with room for two short articles, whose scorer waits for leave."""
    app = make(small_bundle, **getattr(request, "param", {"waiting": 10_000, "characters": 10_000}))
    scorer = app.state.service.scorer
    whole, leave, begun = scorer.score, threading.Event(), threading.Semaphore(0)

    def waiting(articles):
        found = list(articles)
        if any(article.text.startswith(LINE) for article in found):
            begun.release()
            assert leave.wait(PATIENCE)
        return whole(found)

    monkeypatch.setattr(scorer, "score", waiting)
    with TestClient(app) as client:
        yield client, leave, begun
        leave.set()


def test_a_full_service_says_when_to_come_again_and_recovers(stuck):
    client, leave, begun = stuck
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, "/score", json={"text": LINE})
        assert begun.acquire(timeout=PATIENCE)
        refused = client.post("/score/batch", json={"articles": [{"text": LINE}] * 2})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "full" in refused.json()["error"]
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 200
        leave.set()
        assert first.result(PATIENCE).status_code == 200
    assert client.post("/score", json={"text": LINE}).status_code == 200
    assert client.app.state.service.short.taken == 0


def test_more_articles_than_seats_are_too_many_for_ever(stuck):
    client, leave, _ = stuck
    leave.set()
    answer = client.post("/score/batch", json={"articles": [{"text": LINE}] * 3})
    assert answer.status_code == 413
    rows = "id,body\n" + "".join(f'{n},"{LINE}"\n' for n in range(5))
    answer = client.post("/score", json={"text": rows})
    assert answer.status_code == 413
    assert "25,000 characters" in answer.json()["error"]
    assert client.app.state.service.short.taken == 0


@pytest.mark.parametrize("stuck", [{}], indirect=True)
def test_what_is_long_does_not_stand_before_what_is_short(stuck):
    client, leave, begun = stuck
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(client.post, "/score", json={"text": f"{LINE}\n\n" * 700})
        assert begun.acquire(timeout=PATIENCE)
        for body in ({"text": TEXT}, {"html": page()}):
            assert client.post("/score", json=body).status_code == 200
        leave.set()
        assert long.result(3 * PATIENCE).status_code == 200
    assert [one.taken for one in client.app.state.service.lanes] == [0, 0]


def test_a_lane_is_full_by_characters_and_by_the_time_they_take():
    full = Lane(None, measures(), 1.0, 20_000)  # about 30,000 characters a second
    with full.reserved(90_000):  # alone, whatever its length
        with pytest.raises(RequestError, match="try again in 3 s") as refused:
            full.reserved(1).__enter__()
        assert refused.value.status == 429
    with full.reserved(15_000), full.reserved(5_000), full.reserved(5_000, held=5_000):
        pass
    slow = Lane(None, measures(), 0.1, 20_000)
    with slow.reserved(2_000), pytest.raises(RequestError):
        slow.reserved(2_000).__enter__()
    assert full.taken == slow.taken == 0


HEAD = b"POST /score HTTP/1.1\r\nHost: localhost\r\n"
BODY = b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
AGAIN = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + HEAD
SLOW = pytest.mark.parametrize("begun", [b"", HEAD, HEAD + BODY, AGAIN])


def answered(address):
    request = Request(f"{address}/score", json.dumps({"text": LINE}).encode(), JSON)
    return [urlopen(one, timeout=PATIENCE).status for one in (f"{address}/health", request)]


def opened(address, timeout=PATIENCE):
    return socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout)


@SLOW
def test_a_request_that_drips_is_ended_by_the_clock(small_bundle, begun):
    with listening(make(small_bundle, head=0.5, body=0.5)) as address:
        with opened(address, 0.05) as line, suppress(ConnectionError):
            line.sendall(begun)
            end, last = time.monotonic() + PATIENCE, None
            while last != b"" and time.monotonic() < end:
                with suppress(TimeoutError):
                    last = line.recv(1000)
                line.sendall(b"a")
            assert last == b""
        assert answered(address) == [200, 200]


@SLOW
def test_many_slow_connections_shut_nobody_out_and_are_logged_once(small_bundle, caplog, begun):
    caplog.handler.addFilter(once := Once())
    app = make(small_bundle, head=3 * PATIENCE, body=3 * PATIENCE)
    with listening(app, 4) as address, ExitStack() as lines:
        for _ in range(30):
            lines.enter_context(opened(address)).sendall(begun)
        assert answered(address) == [200, 200]
    caplog.handler.removeFilter(once)
    assert ["more than 4 connections" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *[(one, 200) for one in ("localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8000", None)],
        *[(one, 200) for one in ("a.localhost", "127.9.9.9", "desk.example:8000")],
        *[(one, 421) for one in ("news.example", "localhost.news.example", "10.0.0.1", "[::2]")],
        *[(one, 421) for one in ("127.0.0.1.news.example", "desk.example.news.example", "")],
    ],
)
def test_on_loopback_another_sites_name_is_refused(host, status):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    line = Line(headers=() if host is None else ((b"host", host.encode()),))
    line.scope |= {"method": "GET", "path": "/health"}
    asyncio.run(guard(app, host="Desk.example")(line.scope, line.receive, line.send))
    assert line.status == status


@pytest.mark.parametrize(("host", "token"), [("0.0.0.0", ""), ("0.0.0.0", "a"), ("127.0.0.1", "")])
def test_beyond_this_machine_a_token_is_asked_for(host, token, monkeypatch, capsys, small_bundle):
    monkeypatch.setenv("FRAMESCOPE_TOKEN", token) if token else None
    monkeypatch.setattr(connections, "run", lambda app, _: limits.append(app.state.service.limits))
    limits = []
    serve(host=host, port=0, model=str(small_bundle))
    assert ("--token-file" in capsys.readouterr().err) == (host == "0.0.0.0" and not token)
    assert limits[0].host == ("" if host == "0.0.0.0" else host)


@pytest.fixture(scope="module")
def small(small_bundle):
    with TestClient(make(small_bundle, size=2_000, characters=1_000)) as client:
        yield client


def test_what_is_too_long_is_413(small):
    answer = small.post("/score", json={"text": "a " * 1_000})
    assert answer.status_code == 413
    assert "2,000 bytes" in answer.json()["error"]
    answer = small.post("/score", json={"text": "a " * 600})
    assert answer.status_code == 413
    assert "--max-characters" in answer.json()["error"]
    assert small.post("/score", json={"text": TEXT}).status_code == 200


def test_an_article_that_takes_too_long_is_504_and_says_so(small_bundle):
    app = make(small_bundle)
    app.state.service.scorer.seconds = 1e-9
    with TestClient(app) as client:
        answer = client.post("/score", json={"text": TEXT})
        assert answer.status_code == 504
        assert "--max-seconds" in answer.json()["error"]
        both = client.post("/score/batch", json={"articles": [{"text": TEXT}, {"text": LINE}]})
        assert [one["status"] for one in both.json()["reports"]] == [504, 504]


class Line:
    """A request by hand: what is received, and what is sent."""

    def __init__(self, *messages, headers=((b"content-type", b"application/json"),)) -> None:
        self.messages, self.sent = list(messages), []
        self.scope = {"type": "http", "method": "POST", "path": "/score", "headers": headers}

    async def receive(self):
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"] if self.sent else None


def guard(app, short=None, **bounds):
    service = SimpleNamespace(
        limits=Limits(**bounds), short=short or Lane(None, measures(), 1.0, 10_000),
        metrics=measures(), crowded=lambda: False,
    )  # fmt: skip
    return LimitsMiddleware(app, service)


async def nobody(scope, receive, send):
    raise AssertionError("was asked")


def test_an_endless_body_is_not_read_to_its_end():
    count = 0

    async def endless():
        nonlocal count
        count += 1
        return {"type": "http.request", "body": b"a" * 1_000, "more_body": True}

    line = Line()
    asyncio.run(guard(nobody, size=1_000)(line.scope, endless, line.send))
    assert line.status == 413
    assert count < 30


def test_a_client_that_goes_away_gives_its_seat_back():
    ended = []

    async def slow(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    short = Lane(None, measures(), 1.0, 10_000)
    body = {"type": "http.request", "body": b"{}", "more_body": False}
    for line in (
        Line(body, {"type": "http.disconnect"}),
        Line({"type": "http.disconnect"}),
        Line(
            {"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}
        ),
    ):
        asyncio.run(guard(slow, short)(line.scope, line.receive, line.send))
        assert line.sent == []
    assert ended == [True]
    assert short.taken == 0


TOKEN = "a2f9-of-the-harbour"


@pytest.fixture(scope="module")
def locked(small_bundle):
    with TestClient(make(small_bundle, token=TOKEN.encode())) as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [
        *(None, "", "Bearer", "Bearer ", "Bearer \xe9", TOKEN),
        *(f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"),
    ],
)
def test_without_the_token_nothing_is_answered(locked, given):
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    for path in ("/signals", "/ready", "/metrics", "/sources/rt", "/openapi.json", "/nothing"):
        answer = locked.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
    assert locked.post("/score", json={"text": TEXT}, headers=headers).status_code == 401
    assert TOKEN not in answer.text


def test_with_the_token_everything_is(locked):
    for scheme in ("Bearer", "bearer"):
        headers = {"authorization": f"{scheme} {TOKEN}"}
        assert locked.get("/ready", headers=headers).status_code == 200
        assert locked.post("/score", json={"text": TEXT}, headers=headers).status_code == 200
    described = locked.get("/openapi.json", headers=headers).json()
    assert described["security"] == [{"token": []}]
    assert described["paths"]["/health"]["get"]["security"] == []


def test_a_token_comes_from_a_file_else_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("FRAMESCOPE_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("FRAMESCOPE_TOKEN", "of-the-environment")
    assert read_token(None) == b"of-the-environment"
    (tmp_path / "token").write_text("of-the-file\n")
    assert read_token(tmp_path / "token") == b"of-the-file"
    assert "of-the-file" not in repr(Limits(token=b"of-the-file"))


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"\xff", "é".encode()])
def test_a_file_that_holds_no_token_is_refused(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(FramescopeError, match="token"):
        read_token(tmp_path / "token")
    with pytest.raises(FramescopeError, match="No such file"):
        read_token(tmp_path / "none")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "page.html").write_text(page(), "utf-8")
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def fetches(small_bundle):
    with TestClient(make(small_bundle, urls=True)) as client:
        yield client


def test_private_addresses_are_never_fetched(fetches, site):
    answer = fetches.post("/score", json={"url": f"http://127.0.0.1:{site}/page.html"})
    assert answer.status_code == 422, answer.text
    assert "this machine or its own network" in answer.json()["error"]
    assert "--allow-private" not in answer.json()["error"]


@pytest.mark.parametrize(
    "address",
    [
        *("http://", "http://[", "http://[::1", "http://a b/", "http://..", "http://:80/"),
        *("https://\x00/", "http://karst.invalid:99999/", "http://" + "a" * 300 + ".invalid/"),
        *("http://é\u3002\uff0e.invalid/", "http://karst.invalid/\n\rHost: a", "http:///etc/a"),
    ],
)
def test_no_address_whatever_ends_in_a_defect(fetches, address):
    answer = fetches.post("/score", json={"url": address})
    assert answer.status_code == 422, answer.text
    assert "\n" not in answer.json()["error"]


def test_a_public_page_is_fetched_and_scored(fetches, site, monkeypatch):
    monkeypatch.setattr(fetching, "_is_public", lambda address: address == "127.0.0.1")
    answer = fetches.post(
        "/score", json={"url": f"http://127.0.0.1:{site}/page.html", "id": "fares"}
    )
    (article,) = answer.json()["articles"]
    assert (article["id"], article["title"]) == ("fares", TEXT.partition("\n")[0])
    assert article["url"] == f"http://127.0.0.1:{site}/page.html"


def test_a_port_in_use_an_unknown_host_and_a_missing_model_are_one_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(FramescopeError, match="--port") as refused:
            serve(port=other.getsockname()[1])
        assert "\n" not in str(refused.value)
    with pytest.raises(FramescopeError, match=r"--host no-such-host\.invalid"):
        serve(host="no-such-host.invalid")
    with pytest.raises(BundleError, match="no such bundle"):
        serve(port=0, model=str(tmp_path / "none"))
    with pytest.raises(FramescopeError, match=r"none\.jsonl"):
        serve(port=0, sources=tmp_path / "none.jsonl")


def test_without_the_extra_one_line_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(FramescopeError, match=r"pip install '.*\[serve\]'"):
        serve(port=0)
