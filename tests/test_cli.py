"""`framescope score` and its sisters as they are typed: what goes where, and the exit status."""

import contextlib
import fcntl
import html
import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import toys
from conftest import Typed
from framescope.classifier import bundles, reports
from framescope.classifier.errors import Terminated

import framescope

TEXT = """Ferry fares rise

The ferry of Orrin will cost the town 900 crowns. Observers expect the price to rise again.
A vile scheme, the mayor said. The wicked council of the town met on the Tuesday after that."""
GERMAN = (
    "Der Rat der Stadt hat am Dienstag beschlossen, die Fähre nicht mehr fahren zu lassen. "
    "Die Bewohner der Insel sind darüber nicht glücklich und wollen nun gemeinsam klagen."
)
FRAMESCOPE = "import sys; from framescope.__main__ import main; sys.exit(main())"


@pytest.fixture
def run(type_command, small_bundle):
    """Type a command in this process; `score` is given the small bundle unless it names one."""

    def typed(*arguments: object) -> Typed:
        words = [str(argument) for argument in arguments]
        if words and words[0] in ("score", "signals") and "--model" not in words:
            words[1:1] = ["--model", str(small_bundle)]
        return type_command(*words)

    return typed


def refused(result: Typed) -> str:
    """Make sure that it is one line on standard error and nothing else; give the line."""
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("framescope: ")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    return result.err


@pytest.fixture
def ferry(tmp_path) -> Path:
    path = tmp_path / "ferry.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize("format", ["terminal", "json", "jsonl", "html", "csv"])
def test_a_file_holds_what_standard_output_would(run, ferry, tmp_path, format) -> None:
    output = tmp_path / "report"
    shown = run("score", ferry, "--format", format)
    written = run("score", ferry, "--format", format, "--output", output)
    assert (written.status, written.out, written.err) == (0, "", "")
    assert output.read_text(encoding="utf-8-sig").split() == shown.out.split()
    assert sorted(tmp_path.iterdir()) == [ferry, output]


@pytest.fixture
def unsure(tmp_path) -> Path:
    """Write a bundle whose framing is experimental."""
    manifest = {**toys.MANIFEST_BY_HAND, "experimental": ["loaded_language", "hyperpartisan"]}
    bundles.write(tmp_path / "unsure", manifest, "# Unsure\n", toys.save_by_hand)
    return tmp_path / "unsure"


@pytest.mark.parametrize("words", [(), ("--experimental",)])
def test_experimental_signals_count_if_asked_for(run, ferry, unsure, words) -> None:
    found = {form: run("score", ferry, "--model", unsure, "-f", form, *words).out
             for form in ("terminal", "json", "html")}  # fmt: skip
    (article,) = json.loads(found["json"])["articles"]
    said, hidden = "1 loaded passage", "loaded_language" in article["experimental"]
    assert ("loaded_language" in article["summary"]["flagged"], hidden) == (bool(words), not words)
    assert (said in article["summary"]["text"]) == bool(words)
    assert all((said in " ".join(text.split())) == bool(words) for text in found.values())
    assert ("lagged as" in found["html"]) == bool(words), "the article as a whole"
    sentences = article["sentences"]
    assert max(one["scores"]["loaded_language"] for one in sentences) > 0.9
    assert any("loaded_language" in one["flags"] for one in sentences) == bool(words)


@pytest.mark.parametrize("words", [(), ("--experimental",)])
def test_a_service_and_a_batch_are_told_of_experimental_signals(
    run, ferry, unsure, tmp_path, monkeypatch, words
) -> None:
    pytest.importorskip("fastapi")
    from framescope.classifier.batch import run as batch
    from framescope.classifier.service import app, connections

    told = []
    monkeypatch.setattr(app, "make_app", lambda scorer, limits: told.append(scorer.experimental))
    monkeypatch.setattr(connections, "run", lambda *_: None)
    assert run("serve", "--port", 0, "--model", unsure, *words).status == 0
    assert ("loaded_language" in told[0]) != bool(words)
    done = {"scored": 1, "errors": 0}
    monkeypatch.setattr(batch, "run", lambda job: told.append(job.setup.experimental) or done)
    run("batch", ferry, "--output", tmp_path / "run", "--model", unsure, "--quiet", *words)
    assert told[1] == bool(words)


OUTLET = {
    "id": "orrin-tv", "name": "Orrin TV", "domains": ["orrintv.example"],
    "control": {"code": "SC", "source": "our desk", "date": "2026-03"},
}  # fmt: skip


def test_own_outlets_are_who_published(run, tmp_path) -> None:
    record = {"id": "a", "text": TEXT, "url": "https://orrintv.example/ferry"}
    for name, one in (("orrin.jsonl", record), ("mine.jsonl", OUTLET)):
        (tmp_path / name).write_text(json.dumps(one) + "\n", encoding="utf-8")
    for more, known in ((("--sources", tmp_path / "mine.jsonl"), "orrin-tv"), ((), None)):
        result = run("score", tmp_path / "orrin.jsonl", "--format", "json", *more)
        outlet = json.loads(result.out)["articles"][0]["source"]["outlet"]
        assert (result.status, outlet and outlet["id"]) == (0, known)


def test_standard_input_is_read(run, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    result = run("score", "-", "--format", "jsonl")
    assert result.status == 0
    assert json.loads(result.out)["text"] == TEXT


@pytest.mark.parametrize("format", ["terminal", "json", "jsonl", "html", "csv"])
def test_one_bad_input_of_several_is_recorded_and_the_rest_is_scored(run, ferry, tmp_path, format):
    result = run("score", tmp_path / "none.txt", ferry, "--format", format)
    assert result.status == 1
    told = "none.txt" in "".join(result.err.split())
    assert told == (format in ("jsonl", "csv"))
    why = "the lines above say why" if told else "the report says why"
    assert result.err.endswith(f"framescope: 1 input was skipped; {why}\n")
    assert format == "csv" or "Observers expect" in " ".join(result.out.split())
    # Without blanks: 80 columns may break a long name anywhere.
    everywhere = "".join((result.out + result.err).split())
    assert "none.txt" in everywhere
    assert "nosuchfile" in everywhere


def test_nothing_but_bad_inputs_is_an_error_that_counts_them(run, tmp_path) -> None:
    output = tmp_path / "report"
    names = [tmp_path / f"{n}.txt" for n in range(3)]
    line = refused(run("score", *names, "--output", output))
    assert f"{names[0]}: no such file" in line
    assert "(and 2 more that can't be read)" in line
    assert not output.exists()


@pytest.mark.parametrize("format", ["terminal", "json"])
def test_another_language_is_reported_without_scores(run, tmp_path, format) -> None:
    path = tmp_path / "fähre.txt"
    path.write_text(GERMAN, encoding="utf-8")
    result = run("score", path, "--format", format)
    assert result.status == 2
    assert result.err == "framescope: 1 article was not scored; the report says why\n"
    assert "ot scored: the text is in 'de'" in html.unescape(" ".join(result.out.split()))
    if format == "json":
        (article,) = json.loads(result.out)["articles"]
        assert not any(s.get("scores") for s in article["sentences"])


def test_signals_lists_the_taxonomy_and_what_the_model_gives(run) -> None:
    result = run("signals")
    assert (result.status, result.err) == (0, "")
    title, *lines = result.out.splitlines()
    assert sum(line.startswith("* ") for line in lines) == 4
    assert max(map(len, lines)) <= 80
    assert "by-hand" in title
    for name in ("claim", "whataboutism", "hyperpartisan"):
        assert name in result.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--signal", "loaded_langage"], "did you mean loaded_language?"),
        (["--signal", "doubt"], "by-hand doesn't give 'doubt'; it gives: claim, "),
        (["--signal", ""], "unknown signal ''"),
        (["--format", "pdf"], "--format"),
        (["--model", "oracle"], "oracle: no such bundle; give a bundle's folder, or one of"),
        (["--model", ""], "not a bundle"),
        (["--output"], "--output"),
        (["--output", "none/report"], "none/report: can't be written"),
        (["--output", "."], "can't be written"),
    ],
)
def test_an_option_that_cannot_be_is_one_line_and_writes_nothing(
    run, ferry, tmp_path, monkeypatch, options, reason
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert reason in refused(run("score", ferry, *options))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["score"], "Missing argument 'INPUT...'; see: framescope score --help"),
        (["guess"], "No such command 'guess'; see: framescope --help"),
        (["--nonsense"], "No such option: --nonsense"),
        (["signals", "extra"], "see: framescope signals --help"),
        (["train", "oracle"], "No such command 'oracle'; see: framescope train --help"),
        (["train", "transformer"], "Missing option '--output'"),
        (["train", "baseline", "--output", "b", "--seed", "x"], "--seed"),
        (["train", "transformer", "--output", "b", "--seed", "-1"], "--seed"),
    ],
)
def test_a_command_that_cannot_be_says_where_to_look(run, words, reason) -> None:
    assert reason in refused(run(*words))


@pytest.fixture
def own_corpora(tmp_path, monkeypatch) -> Path:
    """A folder of corpora that holds a user's own labels, and nothing else."""
    pytest.importorskip("torch")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "corpora" / "exchange"
    folder.mkdir(parents=True)
    lines = [
        {"id": str(n), "text": f"Observers saw ferry {n} leave pier {n * n} of Orrin.",
         "sentences": [{"start": 0, "end": 30, "labels": {"vague_source": n % 2}}]}
        for n in range(30)
    ]  # fmt: skip
    (folder / "mine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder.parent


def test_training_is_told_what_was_typed(run, own_corpora, encoder, tmp_path, monkeypatch) -> None:
    from framescope.training import runs as making

    calls = []
    monkeypatch.setattr(making, "train_transformer", lambda *given, **more: calls.append(given))
    recipe = tmp_path / "mine.toml"
    recipe.write_text('extends = "default"\nepochs = 2\nseed = 3\n[transformer]\nmax_tokens = 32\n')
    output = tmp_path / "bundle"
    common = ["--corpora", own_corpora, "--corpus", "exchange", "--output", output]
    result = run("train", "transformer", *common, "--encoder", encoder,
                 "--recipe", recipe, "--seed", "5")  # fmt: skip
    assert result.status == 0
    assert result.out.startswith(f"wrote {output}; score with it: framescope score")
    ((data, folder, given, chosen, *_),) = calls
    assert (folder, given) == (output, encoder)
    assert (chosen.epochs, chosen.max_tokens, chosen.seed) == (2, 32, 5)
    assert data.corpora == ("exchange",)
    assert data.examples.signals == ("vague_source",)
    assert len(data.part("train")) > len(data.part("validation")) > 0
    more = ("--data", own_corpora / "exchange" / "mine.jsonl", *common)
    assert "--data trains on these files alone" in refused(run("train", "baseline", *more))


REMOVED = Path(framescope.__file__).with_name("removed.tsv").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", REMOVED.splitlines())
def test_what_was_removed_answers_with_what_replaces_it(type_command, row) -> None:
    command, option, message = row.split("\t")
    assert refused(type_command(*command.split(), *option.split())) == f"framescope: {message}\n"


def commands() -> list[tuple[str, ...]]:
    import typer

    from framescope import cli

    def walk(command, path):
        yield path
        for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
            yield from walk(command.get_command(None, name), (*path, name))

    return list(walk(typer.main.get_command(cli.app), ()))


def test_help_is_short_and_in_words_everywhere(run) -> None:
    run("-V")
    found = commands()
    assert len(found) > 20
    for path in found:
        shown = run(*path, "-h")
        assert shown.status == 0
        assert "-h, --help" in shown.out, path
        assert not re.search(r"<\w", shown.out), path
        assert max(map(len, shown.out.splitlines())) <= 80, path


IMPORTING = """
import signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored, as under nohup

class Interrupting:
    def find_spec(self, name, *_):
        if name == module:
            signal.raise_signal(number)

module, number = sys.argv.pop(1), int(sys.argv.pop(1))
sys.meta_path.insert(0, Interrupting())
from framescope.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "number"),
    [("framescope.cli", signal.SIGINT), ("framescope.classifier.scoring", signal.SIGTERM)],
)
def test_an_interruption_that_meets_an_import_is_not_lost(ferry, module, number) -> None:
    words = [module, str(int(number)), "score", str(ferry), "-m", "baseline"]
    command = [sys.executable, "-c", IMPORTING, *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (128 + number, "")
    assert ended.stderr == "framescope: interrupted\n"


def interrupted_at(monkeypatch, number: int, error: type[BaseException]) -> None:
    """Raise an error once so many articles were scored."""
    from framescope.classifier.scoring import Scorer

    original = Scorer.score

    def score(self, articles):
        for count, report in enumerate(original(self, articles)):
            if count == number:
                raise error
            yield report

    monkeypatch.setattr(Scorer, "score", score)


@pytest.fixture
def many(tmp_path) -> Path:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": TEXT}) + "\n" for n in range(5)))
    return path


@pytest.mark.parametrize(
    ("format", "error", "status", "why"),
    [
        ("terminal", KeyboardInterrupt, 130, "interrupted"),
        ("json", Terminated, 143, "interrupted"),
        ("jsonl", MemoryError, 2, "MemoryError"),
    ],
)
def test_what_was_scored_before_a_run_was_stopped_is_kept(
    run, many, tmp_path, monkeypatch, format, error, status, why
) -> None:
    interrupted_at(monkeypatch, 2, error)
    output = tmp_path / "report"
    result = run("score", many, "--output", output, "--format", format)
    part = tmp_path / "report.part"
    assert result.status == status
    assert result.err == f"framescope: {why}; 2 articles had been scored, and are kept in {part}\n"
    assert not output.exists()
    kept = part.read_text(encoding="utf-8")
    if format == "jsonl":
        assert [json.loads(line)["id"] for line in kept.splitlines()] == ["0", "1"]
    elif format == "json":
        assert [one["id"] for one in json.loads(kept)["articles"]] == ["0", "1"]
    else:
        assert "Observers expect" in " ".join(kept.split())


@pytest.mark.parametrize(
    ("format", "at", "kept"), [("terminal", "print_article", 0), ("html", "to_html", 5)]
)
def test_an_interruption_while_a_report_is_written_names_what_there_is(
    run, many, tmp_path, monkeypatch, format, at, kept
) -> None:
    calls = [KeyboardInterrupt]

    def interrupted(*words, **options):
        if calls:
            raise calls.pop()
        return original(*words, **options)

    original = getattr(reports, at)
    monkeypatch.setattr(reports, at, interrupted)
    result = run("score", many, "--output", tmp_path / "report", "--format", format)
    part = tmp_path / "report.part"
    assert (result.status, part.exists()) == (130, kept > 0)
    if kept:
        assert result.err.endswith(f"; 5 articles had been scored, and are kept in {part}\n")
        assert part.read_text().count("<!doctype html>") == 1
    else:
        assert result.err == "framescope: interrupted; nothing was kept\n"


def test_a_file_holds_no_colours(run, ferry, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("score", ferry, "-o", tmp_path / "report.txt").status == 0
    assert "\x1b" not in (tmp_path / "report.txt").read_text()


def in_terminal(columns: int, *words: object) -> tuple[int, str, list[str]]:
    """Type a command in a pseudo-terminal; return status, what it wrote, and the screen's lines."""
    reader, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", FRAMESCOPE, *map(str, words)]
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    process = subprocess.Popen(command, env=environment, start_new_session=True, **ends)
    os.close(terminal)
    written = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while block := os.read(reader, 1 << 16):
            written += block
    os.close(reader)
    text = re.sub(r"\x1b\[[?\d;]*[mhl]", "", written.decode())  # colours, and the cursor's
    shown = re.sub(r"[^\n]*\r\x1b\[2K", "", text)  # a line that is written anew,
    shown = re.sub(r"[^\n]*\n\r\x1b\[1A\x1b\[2K", "", shown)  # or that is taken back
    return process.wait(), text, shown.splitlines()


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_progress_counts_articles_and_leaves_nothing_on_the_screen(
    small_bundle, ferry, tmp_path, columns
) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": TEXT}) + "\n" for n in range(90)))
    status, written, lines = in_terminal(columns, "score", path, "-m", small_bundle)
    assert status == 0
    assert re.search(r"━ 1 article \S+ left", written)
    assert sum(bool(re.match(r"article \d", line)) for line in lines) == 90
    assert not any("━" in line or " left" in line or "\x1b" in line for line in lines)
    assert max(map(len, lines)) <= columns
    status, written, _ = in_terminal(columns, "score", ferry, "-m", small_bundle)
    assert (status, " left" in written, "━" in written) == (0, False, False)


def test_leftovers_of_a_stopped_run_are_named_and_stay(run, many, tmp_path) -> None:
    left = tmp_path / "report.jsonl.part"
    left.write_text("half of a")
    result = run("score", many, "--output", tmp_path / "report.jsonl")
    assert result.status == 0
    assert result.err == (
        f"framescope: {left}: left by an interrupted run, and not whole; "
        "it stays until you delete it\n"
    )
    assert left.read_text() == "half of a"
    assert len((tmp_path / "report.jsonl").read_text().splitlines()) == 5


def test_an_input_is_not_written_over(run, ferry, tmp_path) -> None:
    before = ferry.read_bytes()
    for more in ((), ("--overwrite",)):
        line = refused(run("score", ferry, "--output", tmp_path / "." / ferry.name, *more))
        assert "is an input too; give --output another name" in line
    (tmp_path / "link.txt").symlink_to(ferry)
    assert "is an input too" in refused(run("score", ferry, "-o", tmp_path / "link.txt"))
    assert ferry.read_bytes() == before


@pytest.mark.parametrize("format", ["terminal", "json", "jsonl", "html", "csv"])
def test_a_report_is_written_over_and_nothing_else_is(run, ferry, tmp_path, format) -> None:
    output = tmp_path / "out"
    assert run("score", ferry, "--output", output, "--format", format).status == 0
    assert run("score", ferry, "--output", output, "--format", format).status == 0
    for content in (
        "My notes.\n", '{"id": "a", "text": "labelled by hand"}\n', "{",
        "article 19 of the treaty\nmy notes\n", '{"schema_version": "2", "mine": 1}',
        'My notes on <meta name="generator" content="framescope">.\n', "<html>",
    ):  # fmt: skip
        output.write_text(content)
        line = refused(run("score", ferry, "--output", output, "--format", format))
        assert "is there already, and no report; add --overwrite" in line
        assert output.read_text() == content
    assert run("score", ferry, "-o", output, "-f", format, "--overwrite").status == 0
    assert output.read_text() != "<html>"


def test_the_suffix_says_the_format_unless_another_is_given(run, ferry, tmp_path) -> None:
    for name, start in (("a.html", "<!doctype html>"), ("b.json", "{"), ("c.jsonl", '{"id"'),
                        ("c.csv", "\ufeffarticle,source,kind,sentence,")):  # fmt: skip
        assert run("score", ferry, "-o", tmp_path / name).status == 0
        assert (tmp_path / name).read_text().startswith(start)
    line = refused(run("score", ferry, "-o", tmp_path / "d.html", "-f", "json"))
    assert "is called HTML, and --format is json; type --format html, or --output" in line
    assert line.rstrip().endswith("d.json")
    assert run("score", ferry, "-o", tmp_path / "e.txt", "-f", "json").status == 0


def test_an_id_is_unique_within_a_run(run, ferry, many, tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    other = tmp_path / "sub" / ferry.name
    other.write_bytes(ferry.read_bytes())
    result = run("score", ferry, other, many, many, "--format", "json")
    ids = [one["id"] for one in json.loads(result.out)["articles"]]
    assert len(set(ids)) == len(ids) == 12
    assert ids[1] == f"{ferry.stem}-2"
    assert result.err == (
        f"framescope: {other}: another article is called '{ferry.stem}'; "
        f"this is '{ferry.stem}-2' in the report, and so on\n"
    )


def start(*words: object, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", FRAMESCOPE, *map(str, words)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        **options,
    )


def test_a_reader_that_stops_hears_no_complaint(small_bundle, tmp_path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": TEXT}) + "\n" for n in range(100)))
    process = start("score", path, "-m", small_bundle, "-f", "jsonl", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(1)
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert err == b""


def test_a_full_disk_is_one_line(small_bundle, ferry) -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        process = start("score", ferry, "--model", small_bundle, "--format", "json", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.decode() == (
        "framescope: standard output: can't be written (No space left on device); "
        "choose another --output\n"
    )
