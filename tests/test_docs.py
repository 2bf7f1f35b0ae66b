"""What the documentation promises is there: files, commands, options, signals, examples."""

import doctest
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from framescope.classifier import bundles, taxonomy
from framescope.classifier.inputs import exchange
from pages_of_docs import CALLS, PAGES, README, ROOT, fenced, typed

from framescope import cli

_LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as code hosts do."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    broken = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def commands() -> dict[str, set[str]]:
    """Return every command of the program with its options, such as "train baseline"."""
    found: dict[str, set[str]] = {}

    def walk(command: Any, name: str) -> None:
        inner = command.list_commands(None) if hasattr(command, "list_commands") else []
        for key in inner:
            walk(command.get_command(None, key), f"{name} {key}".strip())
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o[:2] == "--"}
        if name and not (inner and getattr(command, "no_args_is_help", False)):
            found[name] = options

    walk(typer.main.get_command(cli.app), "")
    return found


TYPERS = {"--help", "--install-completion", "--show-completion"}
COMMANDS = {name: options - TYPERS for name, options in commands().items()}


@pytest.mark.parametrize(("page", "line"), CALLS)
def test_commands_shown_are_commands_with_those_options(page, line):
    words = shlex.split(line)[1:]
    command = next((c for c in (" ".join(words[:2]), words[0]) if c in COMMANDS), None)
    if words[0].startswith("--"):
        command, known = "", {"--version", "--help"}
    else:
        known = COMMANDS.get(command or "", set())
    assert command is not None
    assert {word for word in words if word.startswith("--")} <= known


def test_make_targets_shown_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w./-]+):", makefile, re.MULTILINE))
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    shown = {
        w for page in pages for w in re.findall(r"^make ([\w-]+)", "\n".join(typed(page)), re.M)
    }
    assert {"demo", "test"} <= shown <= targets


@pytest.mark.parametrize("signal", taxonomy.NAMES)
def test_every_signal_is_defined_in_the_guidelines(signal):
    assert f"`{signal}`" in (ROOT / "docs/annotation-guidelines.md").read_text(encoding="utf-8")


def test_the_example_of_the_exchange_format_reads_as_it_says():
    record = json.loads(fenced(ROOT / "docs/exchange-format.md", "json")[0])
    article = exchange.read_record(record, "docs, line 1")
    assert exchange.to_record(article) == record
    assert [article.text[s.start : s.end] for s in article.spans] == ["disgrace"]
    assert [article.text[u.end - 1] for u in article.units or ()] == [".", "."]


def test_the_python_example_runs(monkeypatch, capsys):
    if not (bundles.resolve("transformer") / bundles.MANIFEST).is_file():
        pytest.skip("no transformer bundle")
    monkeypatch.chdir(ROOT)
    (example,) = fenced(README, "python")
    exec(compile(example, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_the_examples_of_the_python_page_run(monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.chdir(ROOT)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    page = str(ROOT / "docs/python.md")
    failed, run = doctest.testfile(page, module_relative=False, optionflags=flags)
    assert (failed, run > 20) == (0, True)


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    names = [name for name in listed.stdout.split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> dict[Path, str]:
    """Give the tracked files that are text; a model's vocabulary is none."""
    found = {}
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data and "bundles" not in path.parts:
            found[path] = data.decode("utf-8")
    return found


def test_no_tracked_file_holds_a_path_of_a_machine():
    places = re.compile(r"(?<![\w.~/-])/(?:work|root|home|Users)/\w")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, text in texts().items()
        for match in places.finditer(text)
    ]
    assert not found


@pytest.mark.slow
def test_no_tracked_file_holds_text_of_a_corpus_or_of_a_saved_page():
    """Ten words in a row that a corpus has too are a quotation."""
    sources = [*_corpus_files(), *_saved_pages()]
    if not sources:
        pytest.skip("neither corpora nor saved pages here")
    ours = set()
    for path, text in texts().items():
        if path.name not in ("LICENSE", "NOTICE"):
            ours.update(_runs(text))
    found = []
    for source in sources:
        text = _MARKUP.sub(" ", source.read_text(encoding="utf-8", errors="replace"))
        if source.suffix in (".csv", ".tsv"):
            text = text.partition("\n")[2]  # the names of its columns, which its reader names too
        found += [f"{source.name}: {' '.join(run)}" for run in ours.intersection(_runs(text))]
    assert not found


SHARED = Path(os.environ.get("FRAMESCOPE_SHARED") or ROOT.parent / "shared")
_LABELS = {".labels", ".ann", ".parquet"}
_MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^<>]*>", re.DOTALL)


def _corpus_files() -> Iterator[Path]:
    from framescope.training.corpora import CORPORA, PUBLIC

    root = Path(os.environ.get("FRAMESCOPE_CORPORA") or SHARED / "corpora")
    for name in PUBLIC:
        corpus = CORPORA[name]
        place = root / corpus.card.folder
        yield from (f for f in corpus.files(place) if f.suffix not in _LABELS)


def _saved_pages() -> Iterator[Path]:
    yield from (p for p in SHARED.glob("inputs/**/*") if p.suffix in (".txt", ".html"))


def _runs(text: str, size: int = 10) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[^\W\d_]+", text.lower())
    runs = zip(*(words[start:] for start in range(size)), strict=False)
    return (run for run in runs if len({*run}) > 2)  # line breaks as written in JSON are no text


def test_the_page_on_languages_has_the_states_that_the_bundle_was_measured_in():
    measured = bundles.read_manifest(bundles.resolve("multilingual"))["measured"]
    page = (ROOT / "docs/languages.md").read_text(encoding="utf-8")
    head, *lines = re.findall(r"^\| (?:signal|\**`(\w+)`\**) \| (.+) \|$", page, re.MULTILINE)
    signs = {"real": "**R**", "written": "w", "none": "–"}
    codes = head[1].split(" | ")
    assert {signal: line.split(" | ") for signal, line in lines} == {
        signal: [signs[by[code]["state"]] for code in codes] for signal, by in measured.items()
    }
