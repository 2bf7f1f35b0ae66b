"""Label Studio: our export goes in by its API, is labelled there, and comes out as it was meant."""

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.inputs import read_record
from framescope.training.annotation import FORMATS, import_labels
from framescope.training.annotation.exchange import Task
from framescope.training.annotation.marks import bare, questions_for
from test_annotate_round_trip import LETTER, article_of, said

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).parent.parent / ".venv-annotators" / "bin" / "label-studio"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
SETTINGS = {
    "CI": "false",  # which it reads, and refuses when empty
    "COLLECT_ANALYTICS": "False",
    "LATEST_VERSION_CHECK": "False",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "LABEL_STUDIO_USERNAME": "annotator@example.org",
    "LABEL_STUDIO_PASSWORD": "a-long-password-1",
    "LABEL_STUDIO_USER_TOKEN": TOKEN,
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "SECRET_KEY": "not-a-secret-of-anybody",
}
TEXTS = {"plain": LETTER, "indented": f"  \t{LETTER}", "quiet": LETTER.replace("😀", "So")}
ARTICLES = [article_of(name, text) for name, text in TEXTS.items()]
SCORES = {(at, "claim"): 0.75 for at in range(2)}
Call = Callable[..., Any]


@pytest.fixture
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Call the API of a server with a database of its own and one user."""
    program = shutil.which(os.environ.get("FRAMESCOPE_LABEL_STUDIO") or str(PROGRAM))
    if program is None:
        pytest.skip("Label Studio is not there; `make test-all` sets it up")
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{one.getsockname()[1]}"
    line = [program, "start", "--no-browser", "--internal-host", "127.0.0.1"]
    line += ["--port", url.rpartition(":")[2], "--enable-legacy-api-token"]
    settings = {**os.environ, **SETTINGS, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}

    def request(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        asked = urllib.request.Request(url + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=120) as answer:
            return json.load(answer)

    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            line, cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=settings, start_new_session=True,
        )  # fmt: skip
        try:
            await_(f"{url}/health", server)
            yield request
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, 9)
            server.wait()


def await_(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.25)
            break
    raise AssertionError("Label Studio doesn't start; see its server.log")


def as_a_browser_saves(result: list[dict[str, Any]], text: str, utf16: bool) -> list[Any]:
    r"""What Label Studio's page makes of regions that an annotator marks.

    As release 1.23 saves them: the words as the browser shows them, without the spaces around a
    line, every ``\n`` and ``\r`` as a backslash and an ``n``. Older pages counted UTF-16 units.
    """
    saved = []
    for item in result:
        value = dict(item.get("value") or {})
        if "start" in value:
            words = text[value["start"] : value["end"]]
            words = re.sub(r"[ \t]+(?=[\n\r]|$)", "", words)
            value["text"] = re.sub(r"[\n\r]", r"\\n", words)
            for key in ("start", "end") if utf16 else ():
                value[key] = len(text[: value[key]].encode("utf-16-le")) // 2
        saved.append({**item, "value": value} if value else item)
    return saved


def test_what_is_labelled_there_comes_back_exactly(call: Call, tmp_path: Path) -> None:
    labels = [read_record(record, "here, line 1") for record in ARTICLES]
    tasks = [Task(bare(one), predicted=one, model="model-1", scores=SCORES) for one in labels]
    files = FORMATS["label-studio"].write(tasks, questions_for(labels))
    asked = {"title": "framescope", "label_config": files["config.xml"].decode()}
    project = call("POST", "/api/projects/", asked)["id"]
    given = json.loads(files["tasks.json"])
    made = call("POST", f"/api/projects/{project}/import?return_task_ids=true", given)
    assert made["task_count"] == made["prediction_count"] == len(ARTICLES)
    for utf16, name in zip((False, False, True), made["task_ids"], strict=True):
        task = call("GET", f"/api/tasks/{name}/")
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == "model-1"
        assert prediction["score"] == pytest.approx(0.75)
        result = prediction["result"]
        assert [item["type"] for item in result].count("relation") == 5
        claims = [one["score"] for one in result if one.get("from_name") == "sentence-claim"]
        assert claims == [0.75, 0.75]
        # An annotator accepts all that was predicted.
        accepted = as_a_browser_saves(result, task["data"]["text"], utf16)
        call("POST", f"/api/tasks/{name}/annotations/", {"result": accepted})
    path = tmp_path / "export.json"
    exported = call("GET", f"/api/projects/{project}/export?exportType=JSON")
    path.write_text(json.dumps(exported), encoding="utf-8")
    records = import_labels(FORMATS["label-studio"], [path], tmp_path / "labels.jsonl")
    assert [record["annotator"] for record in records] == ["user-1"] * len(ARTICLES)
    for record, article in zip(records, ARTICLES, strict=True):
        assert record["text"] == article["text"]
        assert said(record) == said(article)
