"""The service answers what the command writes, and says on one line what it can't answer."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from fastapi.testclient import TestClient
from serving import GERMAN, LINE, TEXT, make, page, running, scored_by_command, without_origin


@pytest.fixture(scope="module")
def client(small_bundle):
    with TestClient(make(small_bundle), raise_server_exceptions=False) as found:
        yield found


def post(client, **posted):
    return client.post("/score", json=posted)


LONG = " ".join([LINE] * 3)
RECORDS = "\n".join(json.dumps({"id": f"r{n}", "text": f"{LONG} {n}."}) for n in range(3))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.txt", TEXT),
        ("text.txt", "\ufeff" + TEXT),
        ("text.txt", LONG),
        ("text.txt", "KARST (Karst Press) - " + LONG),
        ("text.txt", f"{GERMAN} {GERMAN}"),
        ("text.txt", "Vile – “wicked” é \U0001f6a2 \u200b said the mayor.\r\n\r\n" + TEXT),
        ("text.txt", page()),
        ("text.txt", page().replace("\n", " ")),
        ("text.jsonl", RECORDS),
        ("text.csv", f'id,body\na,"{LONG} And on."\nb,"{LONG} Twice."\n'),
    ],
)
def test_a_text_is_answered_as_the_command_scores_a_file(
    client, small_bundle, tmp_path, name, content
):
    answer = post(client, text=content)
    assert answer.status_code == 200, answer.text
    written = scored_by_command(tmp_path, name, content, small_bundle)
    assert without_origin(answer.json()) == without_origin(written)


@pytest.mark.parametrize("content", [page(), page().replace("\n", " "), "\ufeff" + page()])
def test_a_page_is_answered_as_the_command_scores_a_file(client, small_bundle, tmp_path, content):
    answer = post(client, html=content, id="fares")
    written = scored_by_command(tmp_path, "fares.html", content, small_bundle)
    assert without_origin(answer.json()) == without_origin(written)
    assert answer.json()["articles"][0]["title"] == TEXT.partition("\n")[0]


def test_a_browser_gets_the_report_as_a_page(client):
    answer = client.post("/score", json={"text": TEXT}, headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "Ann Ray" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html"])
def test_whoever_takes_json_gets_json(client, accept):
    answer = client.post("/score", json={"text": LINE}, headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "text", ["/etc/hostname", "classifier/samples/harbour.txt", "http://127.0.0.1:9/", "a.txt", "-"]
)
def test_a_text_is_never_a_files_name_or_an_address(client, text):
    (article,) = post(client, text=text).json()["articles"]
    assert article["text"] == text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "JSON"),
        (b'{"text": NaN}', "text: should be a valid string"),
        (b'{"text": "\\ud800\\u0000", "\\ud800": 1}', ""),
        (b'{"text": " \\n\\t"}', "text: is empty"),
        (b'{"text": "%PDF-1.4\\n%1"}', "a PDF"),
        (b'{"text": "\\u0001\\u0002\\n\\u0003 a"}', "binary"),
        (b'{"text": ["a"]}', "text: should be a valid string"),
        (b'{"text": "a", "id": 7}', "id: should be a valid string"),
        (b'{"text": "a", "txt": "b"}', "txt: unknown key"),
        (b'{"text": "a", "html": "b"}', "one of 'text', 'html' or 'url'"),
        (b"{}", "one of 'text', 'html' or 'url'"),
        (b"null", ""),
        (b'{"html": "<p>Short.</p>"}', "no article"),
        (b'{"url": "file:///etc/hostname"}', "url: "),
        (b'{"articles": []}', "articles: "),
        (b'{"articles": [{"text": "a"}, {"text": 3}]}', "articles[1].text: should be"),
        (b'{"articles": [{"text": "a", "tag": 3}]}', "articles[0].tag: unknown key"),
        (b'{"articles": [{"text": "a"}, 7]}', "articles[1]: give an object"),
    ],
)
def test_a_bad_body_is_one_clear_line(client, body, said):
    path = "/score/batch" if b"articles" in body else "/score"
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert len(answer.json()["error"]) < 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(client, kind):
    answer = client.post("/score", content=b'{"text": "a"}', headers={"content-type": kind})
    assert answer.status_code == 415


def test_addresses_are_not_fetched_unless_allowed(client):
    answer = post(client, url="https://karst.example/ferry")
    assert answer.status_code == 403
    assert "--allow-urls" in answer.json()["error"]


def test_unknown_paths_and_methods_are_one_line(client):
    assert list(client.get("/nothing").json()) == ["error"]
    refused = client.get("/score")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "POST"


def test_a_defect_is_one_line_and_takes_nobody_along(client, monkeypatch, caplog):
    scorer = client.app.state.service.scorer
    whole = type(scorer).score

    def failing(self, articles):
        articles = list(articles)
        if any("DEFECT" in article.text for article in articles):
            raise RuntimeError("a defect")
        return whole(self, articles)

    monkeypatch.setattr(type(scorer), "score", failing)
    posted = [{"text": TEXT}, {"text": LINE + " DEFECT."}]
    failed = post(client, **posted[1])
    assert failed.status_code == 500
    assert "the service's log" in failed.json()["error"]
    assert "a defect" in caplog.text
    assert 'framescope_requests_total{path="/score",status="500"}' in client.get("/metrics").text
    both = client.post("/score/batch", json={"articles": posted}).json()["reports"]
    assert (both[0]["articles"][0]["id"], both[1]["status"]) == ("text", 500)
    assert post(client, **posted[0]).status_code == 200


def test_each_of_a_batch_is_answered_in_its_place(client):
    posted = [{"text": TEXT}, {"text": "  "}, {"html": page()}, {"url": "https://a.example/"}]
    answer = client.post("/score/batch", json={"articles": posted})
    assert answer.status_code == 200
    first, bad, third, address = answer.json()["reports"]
    assert first == post(client, **posted[0]).json()
    assert third == post(client, **posted[2]).json()
    assert bad == {"error": "text: is empty; give a file with an article's text", "status": 422}
    assert address["status"] == 403


def test_many_clients_at_once_get_the_commands_scores(client, small_bundle, tmp_path):
    posted = [f"{TEXT}\n{LINE} {number}.\n" for number in range(24)]
    for number, text in enumerate(posted):
        (tmp_path / f"{number:02}.txt").write_text(text, "utf-8")
    wanted = scored_by_command(tmp_path, "", "", small_bundle)["articles"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: post(client, text=text).json(), posted))
    unlike = {"id": None, "origin": None}
    found = [answer["articles"][0] | unlike for answer in answers]
    assert found == [article | unlike for article in wanted]


@pytest.mark.parametrize("key", ["reuters.com", "https://www.rt.com/news/", "Q22868"])
def test_a_source_is_answered_as_the_command_shows_it(client, type_command, key):
    shown = json.loads(type_command("sources", "show", key, "--format", "json").out)
    assert client.get(f"/sources/{key}").json() == shown[0]


def test_an_unknown_outlet_is_404_and_says_who_may_be_meant(client):
    answer = client.get("/sources/Reuterz")
    assert answer.status_code == 404
    assert "Reuters" in answer.json()["error"]
    assert client.get("/sources/%00%ff").status_code == 404
    assert client.get("/sources/" + "a" * 501).status_code == 422


def test_readiness_ends_before_the_service_does(client):
    service = client.app.state.service
    service.stopping = True
    try:
        assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200
        assert post(client, text=LINE).status_code == 200  # what still comes is finished
    finally:
        service.stopping = False


def test_what_is_counted_is_what_was_done(client):
    def value(name):
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    names = (
        'framescope_requests_total{path="/score",status="200"}',
        "framescope_articles_total",
        "framescope_batch_articles_count",
        'framescope_requests_total{path="other",status="404"}',
    )
    before = [value(name) for name in names]
    report = post(client, text=TEXT).json()
    client.get("/no/such/path/of/many")
    assert [value(name) for name in names] == [count + 1 for count in before]
    assert f'digest="{report["digest"]}"' in client.get("/metrics").text


def test_the_description_has_examples_that_work(client):
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {
        *("/score", "/score/batch", "/signals", "/sources/{key}"),
        *("/health", "/ready", "/metrics"),
    }
    schemas = described["components"]["schemas"]
    for name, path in (("ScoreRequest", "/score"), ("BatchRequest", "/score/batch")):
        for example in schemas[name]["examples"]:
            assert client.post(path, json=example).status_code == 200, name
    missing = [
        one for one in json.dumps(described).split('"#/components/schemas/')[1:]
        if one.partition('"')[0] not in schemas
    ]  # fmt: skip
    assert missing == []


ROOT = Path(__file__).parent.parent
HADOLINT = shutil.which("hadolint") or shutil.which(
    "hadolint", path=str(Path(sys.executable).parent)
)


def ask(address: str, path: str, body: object = None, **headers: str) -> int:
    """Ask for a path, and return the status."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address + path, data, headers={"Content-Type": "application/json", **headers})
    try:
        with urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def served(small_bundle):
    with running("--model", small_bundle, "--max-bytes", 100_000, "--max-seconds", 20) as found:
        yield found[1]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_no_request_whatever_ends_in_a_defect(served, tmp_path):
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    ended = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{served}/openapi.json",
         "--checks", f"{checks},response_schema_conformance", "--max-examples", "40",
         "--seed", "1", "--no-color", "--generation-database", "none"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=160,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert ask(served, "/ready") == 200


@pytest.mark.slow
def test_it_writes_nothing_and_needs_no_home(small_bundle, tmp_path):
    """A container is read-only: nothing may be cached in a home, or beside the packages."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o500)
    places = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environment = {**dict.fromkeys(places, str(home)), "PYTHONDONTWRITEBYTECODE": "1"}
    with running("--model", small_bundle, environment=environment) as (process, address):
        for posted in ({"text": TEXT}, {"html": page()}):
            assert ask(address, "/score", posted) == 200
            assert ask(address, "/score", posted, Accept="text/html") == 200
        assert ask(address, "/sources/rt.com") == 200
        kept = [str(one.readlink()) for one in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert [name for name in kept if name.startswith(str(home))] == []
    assert list(home.iterdir()) == []


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_the_dockerfile_is_linted():
    command = [str(HADOLINT), str(ROOT / "Dockerfile")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_part_of_the_package_is_copied_and_it_does_not_run_as_root():
    wanted = {"framescope", "classifier", "training", "eval", "pyproject.toml", "setup.py",
              "README.md", "LICENSE", "NOTICE"}  # fmt: skip
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {source for line in copies for source in line.split()[:-1]} == wanted
    assert {line[1:] for line in ignored if line.startswith("!")} == wanted
    last = dockerfile.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9]\d*", last, re.MULTILINE)
    assert "/health" in last
    assert "TOKEN" not in dockerfile
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    known = re.findall(r"AS (\w+)$", dockerfile, re.MULTILINE)
    exact = r".+@sha256:[0-9a-f]{64}|python:\d+\.\d+\.\d+-slim-\w+"
    assert all(base in known or re.fullmatch(exact, base) for base in bases)
