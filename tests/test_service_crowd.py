"""The service as a command of its own: many clients, hostile requests, a read-only home, an end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from serving import LINE, TEXT, page, running, scored_by_command

pytestmark = pytest.mark.slow

CLIENTS = 64
#: Of the crowd; FRAMESCOPE_CROWD_SECONDS=120 is what docs/service.md has the figures of.
SECONDS = int(os.environ.get("FRAMESCOPE_CROWD_SECONDS", "20"))
MODEL = os.environ.get("FRAMESCOPE_CROWD_MODEL", "baseline")
ARTICLES = 24
GROWTH = 1.15  # of memory, in the second half of the time
TESTS = Path(__file__).parent


def needs(name: str) -> pytest.MarkDecorator:
    """Skip without a package; locust, imported, changes what sockets are, so it is looked for."""
    return pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed")


def ask(address: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(address + path, data, headers={"Content-Type": "application/json", **headers})
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def memory(process: int) -> int:
    """Bytes that a process holds."""
    import psutil

    return int(psutil.Process(process).memory_info().rss)


def articles() -> list[dict[str, str]]:
    """Articles of many lengths, texts and pages, each another."""
    found = []
    for number in range(ARTICLES):
        more = "\n\n".join(
            f"{LINE[:-1]}, the council of Karst said in part {part} of report {number}. "
            f'"Nobody asked {part * 7 + number} of us," said Ann Ray. {TEXT.splitlines()[2]}'
            for part in range(1 + number % 12 * 3)
        )
        text = f"{TEXT}\n{more}\n"
        found.append({"html": page(text)} if number % 4 == 3 else {"text": text})
    return found


@needs("locust")
def test_a_crowd_gets_the_commands_scores_or_is_told_to_come_again(tmp_path):
    pytest.importorskip("psutil")
    posted = articles()
    for number, one in enumerate(posted):
        ((kind, content),) = one.items()
        (tmp_path / f"{number:02}.{kind.replace('text', 'txt')}").write_text(content, "utf-8")
    report = scored_by_command(tmp_path, "", "", MODEL)
    pairs = list(zip(posted, report["articles"], strict=True))
    (tmp_path / "pairs").write_text(json.dumps(pairs), encoding="utf-8")

    # Fewer seats than the crowd may want, so that some are told to come again.
    with running("--model", MODEL, "--max-waiting", 80) as (process, address):
        sizes: list[int] = []
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(SECONDS / 40):
                sizes.append(memory(process.pid))

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        crowd = subprocess.run(
            [sys.executable, "-m", "locust", "-f", str(TESTS / "crowd.py"), "--headless",
             "-u", str(CLIENTS), "-r", str(CLIENTS), "-t", f"{SECONDS}s", "-H", address,
             "--csv", str(tmp_path / "crowd"), "--only-summary"],
            env={**os.environ, "CROWD": str(tmp_path / "pairs")},
            capture_output=True, text=True, check=False, timeout=SECONDS + 120,
        )  # fmt: skip
        ended.set()
        watching.join()
        _, counted = ask(address, "/metrics")
        print(
            (tmp_path / "crowd_stats.csv").read_text(),
            f"{sizes[0]:,} {sizes[len(sizes) // 4]:,} {sizes[-1]:,} bytes",
        )
        assert crowd.returncode == 0, crowd.stdout + crowd.stderr
        statuses = {
            line.partition('status="')[2][:3]
            for line in counted.decode().splitlines()
            if line.startswith('framescope_requests_total{path="/score')
        }
        assert statuses <= {"200", "429", "499"}
        half = len(sizes) // 2
        assert max(sizes[half:]) < GROWTH * sizes[half]


@pytest.fixture(scope="module")
def served(small_bundle):
    with running("--model", small_bundle, "--max-bytes", 100_000, "--max-seconds", 20) as found:
        yield found[1]


@needs("schemathesis")
def test_no_request_whatever_ends_in_a_defect(served, tmp_path):
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    ended = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{served}/openapi.json",
         "--checks", f"{checks},response_schema_conformance", "--max-examples", "40",
         "--seed", "1", "--no-color", "--generation-database", "none"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=160,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    status, _ = ask(served, "/ready")
    assert status == 200


def test_clients_that_hang_up_stop_nobody(served):
    import socket

    host, port = served.removeprefix("http://").split(":")
    body = json.dumps({"text": TEXT}).encode()
    head = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    for sent in (head, head + b"Content-Length: 9999\r\n\r\n{",
                 head + b"Content-Length: %d\r\n\r\n" % len(body) + body):  # fmt: skip
        for _ in range(20):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(sent)
    status, _ = ask(served, "/score", {"text": TEXT})
    assert status == 200


def test_it_writes_nothing_and_needs_no_home(small_bundle, tmp_path):
    """A container is read-only: nothing may be cached in a home, or beside the packages."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o500)
    places = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environment = {**dict.fromkeys(places, str(home)), "PYTHONDONTWRITEBYTECODE": "1"}
    with running("--model", small_bundle, environment=environment) as (process, address):
        for posted in ({"text": TEXT}, {"html": page()}):
            assert ask(address, "/score", posted)[0] == 200
            assert ask(address, "/score", posted, Accept="text/html")[0] == 200
        assert ask(address, "/sources/rt.com")[0] == 200
        kept = [str(one.readlink()) for one in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert [name for name in kept if name.startswith(str(home))] == []
    assert list(home.iterdir()) == []


def test_what_runs_is_finished_when_it_is_told_to_stop(small_bundle):
    with running("--model", small_bundle) as (process, address):
        answers: list[int] = []
        posted = {"articles": [{"text": TEXT}] * 20}
        clients = [
            threading.Thread(target=lambda: answers.append(ask(address, "/score/batch", posted)[0]))
            for _ in range(4)
        ]
        for one in clients:
            one.start()
        process.terminate()
        assert ask(address, "/ready")[0] == 503
        for one in clients:
            one.join(60)
        assert process.wait(60) == 0
    assert answers == [200] * 4


def test_mistakes_are_one_line_and_status_2(tmp_path):
    from serving import COMMAND

    for wrong in (["--port", "99999"], ["--host", "no-such-host.invalid"], ["--model", "none"],
                  ["--token-file", str(tmp_path / "none")]):  # fmt: skip
        ended = subprocess.run(
            [*COMMAND, "serve", "--port", "0", *wrong], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 2, wrong
        assert ended.stderr.startswith("framescope: ")
        assert ended.stderr.count("\n") == 1
