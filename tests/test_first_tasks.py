"""The first task of four people who come to this tool, each in at most three commands."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import mutator
import pytest

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from framescope.__main__ import main; sys.exit(main())",
]


def typed(*words: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Type a command, as a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], input=given, capture_output=True, text=True, check=False
    )


def test_an_analyst_with_saved_pages(small_bundle, tmp_path):
    pages = tmp_path / "saved"
    (pages / "a_files").mkdir(parents=True)
    (pages / "a.html").write_bytes(mutator.SOUND[".html"])
    (pages / "a_files" / "style.css").write_text("p {}")
    (pages / "letter.eml").write_bytes(mutator.SOUND[".eml"])
    (pages / "feed.xml").write_bytes(mutator.SOUND[".xml"])
    (pages / "empty.html").write_text("<html><body>Log in</body></html>")
    report = tmp_path / "report.html"
    ended = typed("score", pages, "-m", small_bundle, "-o", report)
    assert ended.returncode == 1  # one of them holds no article
    page = report.read_text(encoding="utf-8")
    assert 'class="index"' in page
    assert page.count('<details class="fold"') == 5  # three of them are the feed's
    assert "empty.html" in page
    again = typed("score", pages, "-m", small_bundle, "-o", tmp_path / "report.jsonl")
    records = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert again.returncode == 1
    assert len({record["id"] for record in records}) == 5
    assert all(record["report"]["origin"]["input"].startswith(str(pages)) for record in records)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(mutator.SOUND[".html"])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_fact_checker_with_a_link(small_bundle, site):
    link = f"{site}/world/harbour"
    refused = typed("score", link, "-m", small_bundle)
    assert refused.returncode == 2
    assert "add --allow-private" in refused.stderr
    ended = typed("score", link, "-m", small_bundle, "--allow-private")
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("article 1 of 1")
    assert link in ended.stdout  # whole, to be opened
    assert any("sentences; " in line for line in lines[:8])  # summed up before the text
    card = typed("sources", "show", "reuters.com")
    assert card.returncode == 0
    assert "Reuters" in card.stdout


def test_a_social_scientist_with_a_table(small_bundle, tmp_path):
    pandas = pytest.importorskip("pandas")
    table = io.StringIO()
    rows = [["stories_id", "media_name", "publish_date", "story"]]
    rows += [[str(n), f"Outlet {n % 2}", "2025-03-12", mutator.TEXT] for n in range(4)]
    csv.writer(table).writerows(rows)
    source, output = tmp_path / "stories.csv", tmp_path / "scored.jsonl"
    source.write_text(table.getvalue(), encoding="utf-8")
    ended = typed("score", source, "-m", small_bundle, "-o", output)
    assert ended.returncode == 0
    assert "text from 'story', id from 'stories_id', outlet from 'media_name'" in ended.stderr
    frame = pandas.read_json(output, lines=True)
    assert list(frame["id"].astype(str)) == ["0", "1", "2", "3"]
    assert set(frame["outlet"]) == {"Outlet 0", "Outlet 1"}
    assert frame["sentences"].map(len).min() > 10


def test_a_newsroom_engineer_with_a_program(small_bundle, tmp_path):
    record = {"headline": "Harbour", "content": mutator.TEXT, "url": "https://karst.example/1"}
    ended = typed("score", "-", "-m", small_bundle, "-f", "json", "-q", given=json.dumps(record))
    assert (ended.returncode, ended.stderr) == (0, "")
    (article,) = json.loads(ended.stdout)["articles"]
    assert article["title"] == "Harbour"
    code = (
        "import framescope, sys\n"
        "for report in framescope.score(sys.argv[1], model=sys.argv[2]):\n"
        "    print(len(report.sentences), report.article.id)\n"
    )
    path = tmp_path / "a.txt"
    path.write_text(mutator.TEXT, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path), str(small_bundle)],
        capture_output=True, text=True, env={**os.environ}, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [str(len(article["sentences"])), "a"]
    listed = typed("signals", "--format", "json", "-m", small_bundle)
    assert {one["name"] for one in json.loads(listed.stdout) if one["given"]}
