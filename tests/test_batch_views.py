"""A run as a database that can only be read: what its views count; and as tables of pandas."""

import json
import math
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq
import small_runs as runs
import typer
from framescope.classifier.batch.commands import overview, query
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading.database import Database, QueryError
from framescope.classifier.batch.reading.database import open_run as opened
from framescope.classifier.batch.reading.overview import overview_html
from framescope.classifier.batch.reading.sources import speakers
from framescope.classifier.batch.reading.views import share_interval, views
from framescope.classifier.batch.schema import TABLES, columns
from framescope.classifier.errors import InputError
from framescope.classifier.outlets.publisher.publisher import UNNAMED
from framescope.classifier.records import Citation, SourceKind
from pages_of_docs import CALLS, ROOT, fenced
from typer.testing import CliRunner

import framescope

app = typer.Typer()
app.command()(query)
app.command()(overview)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Its name holds what means something in SQL, in a shell, and in patterns of files."""
    return runs.write(tmp_path_factory.mktemp("runs") / "Karst's [1] * run")


@pytest.fixture(scope="module")
def database(folder: RunFolder) -> Iterator[Database]:
    with opened(folder) as found:
        yield found


def one(database: Database, sql: str) -> dict[str, Any]:
    (row,) = database.rows(sql)
    return row


def outlet(database: Database, name: str, view: str = "by_outlet") -> dict[str, Any]:
    return one(database, f"FROM {view} WHERE outlet = '{name}'")


def typed(*words: object, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, ["query", *map(str, words)], input=stdin)


@pytest.mark.parametrize("hidden", [[], ["loaded_language"]])
def test_every_column_of_every_view_is_explained_and_none_is_experimental(tmp_path, hidden) -> None:
    folder = runs.write(tmp_path / "run")
    manifest = json.loads((folder.path / "manifest.json").read_text())
    folder.write("manifest.json", manifest | {"experimental": hidden})
    with opened(folder) as database:
        for view in views(database.manifest):
            assert {*database.table(f"FROM {view.name}").column_names} == {*view.columns}
            assert all(view.columns.values())
        assert ("loaded_language_n" in views(database.manifest)[0].columns) == (not hidden)
        assert ("<b>loaded language</b>" in overview_html(database)) == (not hidden)


def test_articles_and_sentences_are_counted_by_outlet(database: Database) -> None:
    found = outlet(database, "The Orrin Gazette")
    counted = ("articles", "scored", "texts", "sentences", "own_sentences")
    assert [found[name] for name in counted] == [11, 11, 11, 42, 22]
    assert (found["publisher"], found["told_by"]) == ("orrin-gazette", "registry")
    assert [day.day for day in (found["first_day"], found["last_day"])] == [2, 11]


def test_an_outlet_is_known_by_its_name_else_its_host_else_unknown(database: Database) -> None:
    assert outlet(database, "Vesk Herald")["articles"] == 4  # in whichever case it is written
    assert outlet(database, "Vesk Herald")["scored"] == 3
    told = {row["outlet"]: row["told_by"] for row in database.rows("FROM by_outlet")}
    assert told == {
        "The Orrin Gazette": "registry", "Karst Voice": "registry", "Vesk Herald": "page",
        "talmere.example": "address", "unknown": "nothing",
    }  # fmt: skip


def test_a_publisher_that_nobody_names_is_unknown(tmp_path: Path) -> None:
    articles = [
        runs.report("a", runs.SOBER, called=UNNAMED),
        runs.report("b", runs.SOBER, called=UNNAMED, host="talmere.example"),
    ]
    articles = [replace(one, article=replace(one.article, outlet=None)) for one in articles]
    with opened(runs.write(tmp_path / "run", articles=articles)) as database:
        found = {row["outlet"] for row in database.rows("FROM by_outlet")}
    assert found == {"unknown", "talmere.example"}


def test_framing_is_counted_in_the_outlets_own_voice(database: Database) -> None:
    found = outlet(database, "Karst Voice")
    # Ten articles with a rant each and a sober line; in three a loaded quotation that isn't theirs.
    assert found["loaded_language_n"] == found["own_sentences"]
    own = one(database, "SELECT count(*) AS n FROM content_sentences JOIN published "
              "USING (article_id) WHERE publisher = 'karst-voice' AND voice = 'own' "
              "AND list_contains(content_sentences.flags, 'loaded_language')")["n"]  # fmt: skip
    assert found["loaded_language"] == pytest.approx(own / found["own_sentences"])


def test_the_page_around_an_article_is_left_out(database: Database) -> None:
    found = {"most_flagged": 0, "repeated_text": 0, "content_sentences": 0, "sentences": 20}
    for view, n in found.items():
        sql = f"SELECT count(*) AS n FROM {view} WHERE text = '{runs.FURNITURE}'"
        assert one(database, sql)["n"] == n


def test_the_most_flagged_sentence_comes_first_with_where_it_stands(database: Database) -> None:
    first, *_ = database.rows("FROM most_flagged")
    assert first["text"] == runs.HOSTILE
    assert first["flags"] == ["biased_language", "loaded_language", "doubt"]  # a technique each
    assert (first["framing"], first["input"], first["line"]) == (3, "news/March's.jsonl", 27)
    assert 0 < first["strength"] < 1


def test_repeated_texts_are_told_and_their_sentences_are_not_told_again(database: Database) -> None:
    rows = {(row["kind"], row["text"]): row for row in database.rows("FROM repeated_text")}
    copied = rows["text", "Report h-agency"]
    assert (copied["articles"], copied["outlets"], copied["first_outlet"]) == (2, 2, "Vesk Herald")
    crane = rows["sentence", runs.STATEMENT]
    assert (crane["articles"], crane["outlets"]) == (2, 2)
    assert crane["first_day"].isoformat() == "2023-03-04"
    assert ("sentence", runs.AGENCY) not in rows
    assert not [text for kind, text in rows if kind == "sentence" and len(text) < 60]


def test_who_cites_whom_names_outlets_by_their_id(database: Database) -> None:
    rows = {(row["outlet"], row["cited"]): row for row in database.rows("FROM who_cites_whom")}
    ministry = rows["The Orrin Gazette", "the Ministry of Ports"]
    assert (ministry["sentences"], ministry["articles"], ministry["government"]) == (10, 10, True)
    itself = rows["Karst Voice", "Karst Voice"]
    told = [itself[name] for name in ("cited_id", "state_media", "itself")]
    assert told == ["karst-voice", True, True]
    assert "observers" not in {cited for _, cited in rows}


CITED = "SELECT count(*) AS n FROM content_sentences s WHERE list_contains(s.flags, '{}')"


def test_an_outlet_is_labelled_by_the_registry_and_not_by_who_speaks_through_it(tmp_path) -> None:
    flags = ("attributed", "named_source", "government_attribution", "state_media_attribution")
    hale = Citation(None, None, (), SourceKind.NAMED, government=True, state_media=True,
                    name="Osric Hale", outlets=("cnn",))  # fmt: skip
    said = [runs.Said(f"On day {n} it rained.", flags, cited=(hale,)) for n in range(3)]
    cited = [replace(hale, name=name, outlets=(id,), government=False, state_media=id == "tass")
             for name, id in (("CNN", "cnn"), ("Tass", "tass"))]  # fmt: skip
    said += [runs.Said(f"Tass was told on day {n}.", flags[3:], cited=tuple(cited)) for n in (5, 6)]
    with opened(runs.write(tmp_path / "run", articles=[runs.report("a", said)])) as database:
        rows = {row["cited"]: row for row in database.rows("FROM who_cites_whom")}
        query = next(line for line in SHOWN if "state_media_attribution" in line)
        told = database.rows(shlex.split(query)[3])
        flagged = one(database, CITED.format("state_media_attribution"))["n"]
    labels = {name: (row["government"], row["state_media"]) for name, row in rows.items()}
    assert labels == {"CNN": (False, False), "TASS": (False, True), "Osric Hale": (True, False)}
    assert [rows["CNN"][f"{of}sentences"] for of in ("", "government_", "state_media_")] == [
        5,
        3,
        3,
    ]
    assert [row["sentences"] for row in told] == [flagged] == [5]


def test_forms_of_a_name_are_one_speaker_and_words_that_name_nobody_none() -> None:
    cited = {"Viktor Hale": 9, "Hale": 4, "President Hale": 3, "Mr Hale": 1, "VIKTOR HALE": 1,
             "Anna Hale": 1, "Viktor Hale Jr.": 2, "Ilse Marran": 5, "Ben Marran": 4, "Marran": 2,
             "Washington": 3, "Dee Washington": 4, "the Harbour Board": 1, "新華社": 1}  # fmt: skip
    key = dict(zip(cited, speakers([*cited], [*cited.values()]), strict=True))
    forms = ("Hale", "President Hale", "Mr Hale", "VIKTOR HALE")
    assert {key[form] for form in forms} == {key["Viktor Hale"]}
    assert len({*key.values()}) == len(key) - len(forms)
    nobody = ["the", "The", "he", "He", "they", "Left", "the Left", "Right", "report", "president"]
    assert speakers([*nobody, *cited], [*[50] * len(nobody), *cited.values()]) == [
        *[""] * len(nobody), *key.values()
    ]  # fmt: skip


def test_impossible_days_are_none(tmp_path: Path) -> None:
    days = (0, -738_000, 400_000)
    articles = [runs.report(f"a{day}", runs.SOBER, called="Vesk Herald", day=day) for day in days]
    with opened(runs.write(tmp_path / "run", articles=articles)) as database:
        assert [row["day"] for row in database.rows("FROM by_day")] == [runs.FIRST_DAY, None]
        found = outlet(database, "Vesk Herald")
    assert found["first_day"] == found["last_day"] == runs.FIRST_DAY


def expected(parts: list[int], wholes: list[int]) -> tuple[float, float]:
    """The interval, by another way than the SQL's: residuals, and the t of scipy."""
    from scipy.stats import t

    m, part, whole = len(parts), sum(parts), sum(wholes)
    share = part / whole
    residuals = sum((y - share * n) ** 2 for y, n in zip(parts, wholes, strict=True))
    variance = m / (m - 1) * residuals / whole**2
    n = min(whole, share * (1 - share) / variance) if variance else whole
    q = t.ppf(0.975, m - 1)
    middle = (share + q * q / (2 * n)) / (1 + q * q / n)
    half = q * math.sqrt(share * (1 - share) / n + q * q / (4 * n * n)) / (1 + q * q / n)
    return max(middle - half, 0), min(middle + half, 1)


def test_an_interval_is_that_of_a_ratio_over_texts(database: Database) -> None:
    rows = database.rows(
        "SELECT p_biased_language AS p, w_biased_language AS w FROM article_counts "
        "JOIN published USING (article_id) WHERE publisher = 'karst-voice' ORDER BY article_id"
    )
    low, high = expected([row["p"] for row in rows], [row["w"] for row in rows])
    found = outlet(database, "Karst Voice")
    assert found["biased_language_low"] == pytest.approx(low, abs=1e-4)
    assert found["biased_language_high"] == pytest.approx(high, abs=1e-4)
    assert 0 < low < found["biased_language"] < high < 1


def test_the_interval_of_a_rare_signal_does_not_jump_at_zero() -> None:
    size = 2807 / 48  # sentences of each text
    highs = [share_interval(y, 2807, 48, 2807, y, y * size, 48 * size**2)[1] for y in (0, 1, 2)]
    assert 0.001 < highs[0] < highs[1] < highs[2] < 0.004
    assert highs[1] < 2 * highs[0]
    copies = share_interval(0, 2807, 24, 1404, 0, 0, 24 * (2 * size) ** 2)
    assert copies[1] == pytest.approx(2 * highs[0], rel=0.1)


@pytest.mark.parametrize(("form", "schema"), [("jsonl", 2), ("jsonl", 1), ("parquet", 1)])
def test_lines_of_json_and_runs_of_0_3_give_the_same(database, tmp_path, form, schema) -> None:
    queries = [f"FROM {view.name}" for view in views(database.manifest)]
    queries += [f"FROM {table} ORDER BY ALL" for table in TABLES]
    with opened(runs.write(tmp_path / "run's", form=form, shards=5, schema=schema)) as run:
        assert [*map(run.rows, queries)] == [*map(database.rows, queries)]


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_run_without_a_shard_has_empty_tables_of_the_right_columns(tmp_path, form) -> None:
    with opened(runs.write(tmp_path / "run", form=form, shards=0, finished=False)) as database:
        assert not database.manifest["finished"]
        for table in TABLES:
            found = database.table(f"FROM {table}")
            assert (found.num_rows, found.column_names) == (0, list(columns(table, runs.SIGNALS)))
        for view in views(database.manifest):
            assert database.rows(f"FROM {view.name}") == []


def test_a_damaged_part_is_told_in_a_line(tmp_path: Path) -> None:
    folder = runs.write(tmp_path / "run")
    for part in folder.parts("articles"):
        part.write_bytes(b"PAR1 and no more")
    with (
        pytest.raises(RunError, match=r"articles.parquet isn't as .* --resume") as told,
        opened(folder),
    ):
        pass
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{path}/out.csv'",
        "COPY articles TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "SELECT * FROM read_text('{path}/manifest.json')",
        "FROM '{path}/manifest.json'",
        "SELECT content FROM read_text('/etc/hostname')",
        "FROM read_csv('http://127.0.0.1:9/x.csv')",
        "ATTACH '{path}/new.db'",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "DROP VIEW by_outlet",
        "SELECT 1; SELECT 2",
        "FROM folder",  # a variable of this test
        "",
    ],
)
def test_sql_that_does_more_than_read_the_run_is_refused(folder: RunFolder, sql: str) -> None:
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    path = str(folder.path).replace("'", "''")
    part = str(folder.parts("articles")[0]).replace("'", "''")
    with opened(folder) as database, pytest.raises(QueryError) as told:
        database.rows(sql.format(path=path, part=part))
    assert "\n" not in str(told.value)
    assert {one: one.read_bytes() for one in folder.path.rglob("*") if one.is_file()} == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nope FROM by_outlet", r'"nope" not found .*line 1, character 8'),
        ("SELECT outlet\nFROM by_outlet WHERE )", r"syntax error .*line 2, character 22"),
        ("FROM by_outlets", "by_outlets does not exist! Did you mean"),
        ("SELECT text::INT FROM sentences", "Could not convert"),
    ],
)
def test_wrong_sql_is_told_with_where_and_what_there_is(database, sql, said) -> None:
    with pytest.raises(QueryError, match=said) as told:
        database.rows(sql)
    assert "lists the views" in str(told.value)


@pytest.mark.parametrize(
    "sql", ["DESCRIBE by_day", "SHOW TABLES", "SUMMARIZE spans", "FROM inputs LIMIT 1",
            "WITH a AS (FROM spans) SELECT count(*) FROM a",
            "PIVOT by_day ON outlet USING sum(articles) GROUP BY day"],
)  # fmt: skip
def test_all_kinds_of_questions_are_answered(database: Database, sql: str) -> None:
    assert database.rows(sql)


def test_a_query_that_needs_more_memory_says_how_to_give_it(folder: RunFolder) -> None:
    with opened(folder, "20MB") as database, pytest.raises(QueryError, match="--memory 8GB"):
        database.rows("SELECT list(range) FROM range(20000000)")


@pytest.mark.parametrize(
    ("sql", "limits", "said"),
    [
        ("SELECT sum(a.range) FROM range(9000000) a, range(9000000) b WHERE a.range > b.range",
         ("--max-seconds", 0.3), "--max-seconds 3600"),
        ("SELECT range, random() AS r FROM range(20000000) ORDER BY r",
         ("--memory", "50MB", "--disk", "20MB"), "--disk 100GB"),
        ("SELECT 1", ("--disk", "much"), "--disk much: is not a size"),
    ],
)  # fmt: skip
def test_a_query_is_limited_in_time_and_disk(folder: RunFolder, sql, limits, said) -> None:
    done = typed(folder.path, sql, *limits)
    assert isinstance(done.exception, QueryError)
    assert said in str(done.exception)


def test_no_cell_of_csv_is_a_formula(folder: RunFolder) -> None:
    sql = "SELECT '=1+1' AS \"@a\", -1 AS b, '＋2' AS c, 'a-b' AS d"
    assert typed(folder.path, sql, "-f", "csv").stdout == "'@a,b,c,d\n'=1+1,-1,'＋2,a-b\n"


def test_without_sql_the_views_are_listed(folder: RunFolder) -> None:
    shown = typed(folder.path)
    assert shown.exit_code == 0
    views = ("by_outlet", "by_day", "most_flagged", "sourcing_map", "repeated_text")
    for word in (*views, "who_cites_whom", "loaded_language *", "NAME_low", "inputs, articles"):
        assert word in shown.stdout


def test_json_holds_rows_and_no_number_that_is_none(folder: RunFolder) -> None:
    sql = "SELECT 'nan'::DOUBLE AS a, DATE '2026-03-02' AS b, NULL AS c, true AS d UNION ALL "
    shown = typed(folder.path, sql + "SELECT 1.5, NULL, 'x', false", "-f", "json").stdout
    assert sorted(json.loads(shown), key=str) == sorted(
        [{"a": None, "b": "2026-03-02", "c": None, "d": True},
         {"a": 1.5, "b": None, "c": "x", "d": False}], key=str)  # fmt: skip
    assert json.loads(typed(folder.path, "FROM inputs WHERE false", "-f", "json").stdout) == []


def test_sums_and_fractions_are_numbers(folder: RunFolder) -> None:
    sql = "SELECT sum(sentences) AS a, 1.5 AS b, [0.5] AS c FROM articles"
    assert json.loads(typed(folder.path, sql, "-f", "jsonl").stdout) == {
        "a": 112, "b": 1.5, "c": [0.5]
    }  # fmt: skip
    empty = typed(folder.path, f"SELECT * FROM ({sql}) WHERE false", "-f", "jsonl")
    assert (empty.exit_code, empty.stdout) == (0, "")


def test_a_files_suffix_says_the_format(folder: RunFolder, tmp_path: Path) -> None:
    for suffix in ("csv", "json", "jsonl", "parquet", "txt"):
        out = tmp_path / f"answer.{suffix}"
        done = typed(folder.path, "SELECT outlet, articles FROM by_outlet", "-o", out)
        assert done.exit_code == 0, done.exception
        assert out.stat().st_size > 50
    assert pq.read_table(tmp_path / "answer.parquet").num_rows == 5
    assert [path.name for path in tmp_path.glob("*.part*")] == []
    again = typed(folder.path, "FROM by_outlet", "-o", tmp_path / "answer.csv")
    assert isinstance(again.exception, InputError)
    assert "--overwrite" in str(again.exception)
    wrong = typed(folder.path, "FROM by_outlet", "-o", tmp_path / "a.csv", "-f", "json")
    assert "is called CSV, and --format is json" in str(wrong.exception)


def test_a_run_that_goes_on_is_told_to_be_unfinished(tmp_path: Path) -> None:
    folder = runs.write(tmp_path / "run", finished=False)
    shown = typed(folder.path, "SELECT count(*) FROM articles")
    assert "not finished: these are the results of 3 parts" in shown.stderr
    assert typed(folder.path, "SELECT 1", "--quiet").stderr == ""


SHOWN = sorted({line for page, line in CALLS if page == "batch-queries.md"})


@pytest.mark.parametrize("line", SHOWN)
def test_what_the_page_of_queries_shows_runs(folder, line, tmp_path, monkeypatch) -> None:
    (tmp_path / "RUN").symlink_to(folder.path)
    (tmp_path / "question.sql").write_text("FROM by_day")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    done = CliRunner().invoke(app, words, input="FROM by_day")
    assert done.exit_code == 0, done.exception
    assert done.stdout or list(tmp_path.glob("*.*"))


@pytest.fixture(scope="module", params=["parquet", "jsonl"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pandas")
    return runs.write(tmp_path_factory.mktemp("runs") / "RUN", form=request.param).path


def test_the_tables_are_frames_with_the_columns_of_the_schema(path: Path) -> None:
    run = framescope.read_run(str(path))
    for table in TABLES:
        frame = getattr(run, table)
        assert list(frame.columns) == list(columns(table, runs.SIGNALS))
        assert len(frame) > 20
    assert run.manifest["model"]["name"] == "by-hand"
    assert run.summary["articles"] == 28


def test_types_are_the_same_whatever_is_null(path: Path) -> None:
    run = framescope.read_run(path)
    assert str(run.articles["claims"].dtype) == "Int32"  # null where it was not scored
    assert str(run.articles["state_media"].dtype) == "boolean"
    assert str(run.articles["day"].dtype).startswith("datetime64")
    assert str(run.sentences["voice"].dtype) == "category"
    assert str(run.sentences["claim"].dtype) == "float32"
    assert list(run.sentences["flags"].iloc[0]) == ["content", "claim"]


def test_the_examples_of_the_page_run(path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(path.parent)
    examples = [one for one in fenced(ROOT / "docs/python.md", "python") if "read_run" in one]
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "python.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "by-hand 28" in shown
    assert "Karst Voice" in shown
