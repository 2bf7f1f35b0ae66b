"""potato: its own check of our configurations, and labels given on its own pages' terms."""

from __future__ import annotations

import http.cookiejar
import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import annotators
import labelled
import pytest
from browser import needs_browser
from framescope.classifier.inputs import from_record
from framescope.training.annotation import Bringing, Sending, bring, send, tool_named
from framescope.training.annotation.marking import MarkRole, to_marking
from framescope.training.annotation.potato import shown_as
from framescope.training.annotation.task import labelling_of

TEXT = "😀 Anna Berg said: “e\u0301t al.”\r\nHe added\u2028that it’s a\ndisgrace.\r\n"
MIDDLE = TEXT.index("He")


def at(words: str) -> dict[str, int]:
    return {"start": TEXT.index(words), "end": TEXT.index(words) + len(words)}


RECORD: dict[str, Any] = {
    "id": "letter/1#a",
    "annotator": "anna",
    "text": TEXT,
    "sentences": [
        {"start": 0, "end": MIDDLE - 2, "voice": "quoted", "labels": {"claim": 0, "attributed": 1},
         "citations": [{"source": at("Anna Berg"), "cue": at("said"), "content": [at("“e\u0301t")],
                        "kind": "named"}]},
        {"start": MIDDLE, "end": len(TEXT) - 2, "labels": {"claim": 1},
         "citations": [{"source": at("He"), "cue": at("added"), "content": [at("that it’s a\n")],
                        "kind": "named", "government": True, "antecedent": at("Anna Berg")}]},
    ],
    "spans": [{**at("a\ndisgrace"), "signal": "loaded_language"}],
    "labels": {"hyperpartisan": 1},
}  # fmt: skip


NAME = "letter%2F1%23a"
"""Its id, as an address can hold it."""


@pytest.fixture(scope="module")
def executable() -> str:
    found = annotators.program("FRAMESCOPE_POTATO", "potato")
    if found is None:
        pytest.skip("potato is not there; `make test-all` sets it up")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    source = tmp_path / "mine.jsonl"
    source.write_text(json.dumps(RECORD) + "\n", encoding="utf-8")
    send(tool_named("potato"), Sending([str(source)], tmp_path / "project"))
    return tmp_path / "project"


class Page:
    """One annotator's browser."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        for path, action in (("/register", "signup"), ("/auth", "login")):
            form = {"action": action, "email": name, "pass": "a-long-password-1"}
            self.opener.open(url + path, urllib.parse.urlencode(form).encode()).read()
        self.opener.open(f"{url}/annotate").read()

    def get(self, path: str) -> Any:
        return json.load(self.opener.open(self.url + path))

    def save(self, **body: Any) -> None:
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/updateinstance", data, headers)
        assert json.load(self.opener.open(request))["status"] == "success"


@contextmanager
def serving(executable: str, project: Path, survey: str) -> Iterator[str]:
    port = annotators.free_port()
    line = [executable, "start", str(project / survey), "-p", str(port), "--host", "127.0.0.1"]
    with annotators.running(line, f"http://127.0.0.1:{port}/", project):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
@pytest.mark.parametrize("survey", ["sentences.yaml", "marks.yaml"])
def test_it_finds_nothing_wrong_with_a_configuration(
    executable: str, project: Path, survey: str
) -> None:
    python = str(Path(executable).with_name("python"))
    line = [python, "-m", "potato.validate_cli", survey, "--strict", "--json"]
    ended = subprocess.run(line, cwd=project, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert json.loads(ended.stdout)["ok"]


@pytest.mark.slow
def test_what_is_labelled_there_comes_back_exactly(executable: str, project: Path) -> None:
    article = from_record(RECORD, "here", 1)
    marking = to_marking(labelling_of(article, article.units or ()))
    with serving(executable, project, "sentences.yaml") as url:
        ben = Page(url, "ben")
        for at_, mark in enumerate(one for one in marking.marks if one.role is MarkRole.SENTENCE):
            answers = {f"{asked}:::{answer}": answer for asked, answer in mark.answers.items()}
            ben.save(instance_id=f"sentence:{NAME}#{at_}", annotations=answers)
    item = f"article:{NAME}"
    with serving(executable, project, "marks.yaml") as url:
        anna = Page(url, "anna")
        links = anna.get(f"/api/links/{urllib.parse.quote(item)}")["links"]
        assert [one["link_type"] for one in links] == [
            "citation named",
            "citation named government",
        ]
        ben = Page(url, "ben")
        state = json.loads(
            (project / "annotation_output" / "marks" / "anna" / "user_state.json").read_text(
                "utf-8"
            )
        )
        spans = [span for span, _ in state["instance_id_to_span_to_value"][item]]
        ben.save(
            instance_id=item,
            annotations={"hyperpartisan:::yes": "yes"},
            span_annotations=[{**span, "value": 1} for span in spans],
            link_annotations=links,
        )
    output = project.parent / "labels.jsonl"
    found = bring(tool_named("potato"), Bringing([project], output))
    assert found.annotators == 2
    back = [json.loads(line) for line in output.read_text("utf-8").split("\n")[:-1]]
    assert [one["annotator"] for one in back] == ["anna", "ben"]
    for record in back:
        assert record["text"] == TEXT
        assert labelled.said(record)[0] == labelled.said(RECORD)[0]


@pytest.mark.slow
@needs_browser
def test_what_is_marked_with_a_mouse_comes_back_exactly(
    executable: str, project: Path, browser: Any
) -> None:
    """In a browser, over line ends of both kinds, behind an emoji."""
    text = "#text-content-text"
    with serving(executable, project, "marks.yaml") as url:
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        page.goto(url)
        for path, action in (("/register", "signup"), ("/auth", "login")):
            form = {"action": action, "email": "ben", "pass": "a-long-password-1"}
            page.request.post(url + path, form=form)
        page.goto(f"{url}/annotate")
        page.wait_for_selector(text)
        page.wait_for_timeout(2000)
        for label, words in (("doubt", ("disgrace",)), ("repetition", ("said", "added"))):
            page.locator(f"#techniques_{label}").click()
            annotators.drag(page, text, *words)
        page.wait_for_timeout(1500)
        page.close()
    output = project.parent / "labels.jsonl"
    bring(tool_named("potato"), Bringing([project], output))
    (record,) = (
        one
        for one in map(json.loads, output.read_text("utf-8").split("\n")[:-1])
        if one["annotator"] == "ben"
    )
    marked = {one["signal"]: TEXT[one["start"] : one["end"]] for one in record["spans"]}
    wanted = TEXT[TEXT.index("said") : TEXT.index("added") + len("added")]
    assert marked == {"doubt": "disgrace", "repetition": wanted}
    assert "\r\n" in wanted


def test_what_its_page_shows_is_as_long_as_the_text(project: Path) -> None:
    """Its page counts no line feed, and a Windows line end once: there must be neither."""
    record = json.loads((project / "marks.jsonl").read_text("utf-8"))
    assert "\n" not in record["text"]
    assert len(record["text"]) == len(TEXT)
    assert shown_as("a\r\nb\rc\n") == "a \rb\rc\r"
