"""Readers against small corpora in each one's own format, and against the real ones if there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.records.article import Article, Unit
from framescope.classifier.taxonomy import NAMES, TECHNIQUES, in_order
from framescope.training.commands.corpora import app
from framescope.training.corpora import standoff
from framescope.training.corpora.catalogue import CORPORA, KNOWN, PUBLIC, SHIPPED, find, root_folder
from framescope.training.corpora.ptc import TECHNIQUE_OF
from framescope.training.corpora.wikiweasel import plain
from framescope.training.data.rows import articles, load
from typer.testing import CliRunner

PTC_TEXT = (
    "Dam of Orvel opens at last\n"
    "\n"
    "The minister called it a shining miracle.\n"
    "Its gates hold nine million litres.\n"
    "Only a traitor would ask who paid for it.\n"
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def place(text: str, words: str) -> tuple[int, int]:
    start = text.index(words)
    return start, start + len(words)


def write_ptc(folder: Path) -> None:
    write(folder / "train-articles/article7.txt", PTC_TEXT)
    write(folder / "train-articles/article8.txt", "A quiet day\n\nNothing was built.\n")
    spans = [
        ("Loaded_Language", *place(PTC_TEXT, "shining miracle")),
        ("Name_Calling,Labeling", *place(PTC_TEXT, "traitor")),
        # from one line into the next
        ("Doubt", *place(PTC_TEXT, "litres.\nOnly a traitor would ask")),
    ]
    lines = [f"7\t{name}\t{start}\t{end}\n" for name, start, end in spans]
    write(folder / "train-task2-TC.labels", "".join(lines))


def write_babe(folder: Path) -> None:
    write(
        folder / "final_labels_SG2_part.csv",
        "text;news_link;outlet;topic;type;label_bias;label_opinion;biased_words\n"
        '"The ""genius"" mayor struck again; as ever.";https://a.example/1;Orvel Post;x;left;'
        "Biased;x;['genius']\n"
        "The mayor opened a school.;https://a.example/1;Orvel Post;x;left;Non-biased;x;[]\n"
        "The mayor has a cat.;;Orvel Post;x;left;No agreement;x;[]\n"
        "The mayor has a dog.;;Orvel Post;x;left;Non-biased;x;[]\n",
    )


POLNEAR_TEXT = (
    "Orvel votes\n\nThe harbour will close, the mayor said. It rained all day. She may run again.\n"
)


def polnear_annotation(*contents: str) -> str:
    lines = ["T1\tSource 0 5\tOrvel\n"]
    for number, content in enumerate(contents, start=2):
        places = [place(POLNEAR_TEXT, piece) for piece in content.split("|")]
        where = ";".join(f"{start} {end}" for start, end in places)
        lines.append(f"T{number}\tContent {where}\t{content}\n")
        lines.append(f"E{number}\tAttribution:T9 Content:T{number}\n")
    return "".join(lines)


def write_polnear(folder: Path) -> None:
    name = "orvel-post_2016-03-04_harbour-clos"
    write(folder / f"data/train/text/{name}.txt", POLNEAR_TEXT)
    annotations = {
        "aaaa": polnear_annotation("The harbour|will close"),
        "bbbb": polnear_annotation("The harbour will close", "may run again"),
    }
    for annotator, lines in annotations.items():
        write(folder / f"data/train/attributions/{name}_{annotator}.ann", lines)


def write_newssd(folder: Path) -> None:
    head = "Sentence,Label,Solved conflict\n"
    rows = '"A shameful bridge, frankly.\n",SUBJ,False\n"It opened in May.\n",OBJ,True\n'
    write(folder / "english/train.csv", head + rows)
    write(folder / "english/val.csv", head + '"It has four lanes.\n",OBJ,False\n')


def write_hyperpartisan(folder: Path) -> None:
    write(
        folder / "articles-training-byarticle-20181122.xml",
        "<?xml version='1.0' encoding='utf-8'?>\n<articles>\n"
        '<article id="0000001" published-at="2017-09-10" title="Dam &amp; city">'
        "Photo of the dam <p>They <a href='#'>lied</a> again.\nAnd again.</p>"
        "<p>Vote them out.</p></article>\n"
        '<article id="0000002" title="Weather"><p>It rained.</p></article>\n</articles>',
    )
    write(
        folder / "ground-truth-training-byarticle-20181122.xml",
        '<articles><article hyperpartisan="true" id="0000001" labeled-by="article" '
        'url="https://www.orvel.example/a"/><article hyperpartisan="false" id="0000002" '
        'labeled-by="article" url="http://news.orvel.example/b"/></articles>',
    )


def write_wikiweasel(folder: Path) -> None:
    certain, uncertain = (
        "The dam is tall.\n\nIt is new.\n",
        "Some say it leaks -LRB- often -RRB-.\n",
    )
    write(folder / "train_wikiweasel_certain_sentences.txt", certain)
    write(folder / "train_wikiweasel_uncertain_sentences.txt", uncertain)


def write_claimbuster(folder: Path) -> None:
    rows = [
        {"sentence_id": 900, "label": 0, "text": "Good evening, friends."},
        {"sentence_id": 12, "label": 1, "text": "We built nine dams in two years."},
    ]
    write(folder / "train.json", json.dumps(rows))


def write_exchange(folder: Path) -> None:
    record = {
        "id": "a1",
        "text": "It leaks. It is said.",
        "sentences": [
            {"start": 0, "end": 9, "labels": {"claim": 1}},
            {"start": 10, "end": 21, "labels": {"vague_source": 1}, "voice": "reported"},
        ],
        "labels": {"hyperpartisan": 0},
    }
    write(folder / "mine.jsonl", json.dumps(record) + "\n")


WRITERS = {
    "ptc": write_ptc,
    "babe": write_babe,
    "polnear": write_polnear,
    "newssd": write_newssd,
    "hyperpartisan": write_hyperpartisan,
    "wikiweasel": write_wikiweasel,
    "claimbuster": write_claimbuster,
    "exchange": write_exchange,
}


def write_standoff(path: Path) -> None:
    """Label the first line of a tiny article of PTC; its other lines are not labelled."""
    line = PTC_TEXT.partition("\n")[0]
    record = {
        "collection": "ptc",
        "article": "7",
        "digest": standoff.digest(PTC_TEXT),
        "sentences": [
            {
                "start": 0,
                "end": len(line),
                "digest": standoff.digest(line)[: standoff.SHORT],
                "voice": "own",
                "labels": {"content": 1, "claim": 1},
            }
        ],
    }
    write(path, json.dumps(record) + "\n")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all corpora but the house corpus, tiny, and a cache of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for name, writer in WRITERS.items():
        writer(tmp_path / "corpora" / find(name).card.folder)
    # The labels that ship are on articles that are not among these.
    write_standoff(tmp_path / "labels.jsonl")
    monkeypatch.setattr(standoff, "labels_file", lambda: tmp_path / "labels.jsonl")
    return tmp_path / "corpora"


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The public corpora, where this machine has them."""
    given = os.environ.get("FRAMESCOPE_CORPORA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared/corpora"
    if not folder.is_dir():
        pytest.skip("the public corpora aren't here")
    return folder


def read(name: str, root: Path) -> list[Article]:
    corpus = find(name)
    place = corpus.place(root)
    assert place is not None
    return list(corpus.read(place))


def units_of(article: Article) -> tuple[Unit, ...]:
    assert article.units is not None
    return article.units


def labels_of(article: Article) -> list[dict[str, float]]:
    return [dict(unit.labels) for unit in units_of(article)]


# Every corpus


@pytest.mark.parametrize("name", CORPORA)
def test_card_is_complete(name: str) -> None:
    card = CORPORA[name].card
    for field in ("title", "folder", "files", "url", "citation", "licence", "unit", "mapping"):
        assert getattr(card, field), field
    assert card.name == name
    assert tuple(card.signals) == in_order(card.signals), "taxonomy order"
    if name in PUBLIC:
        assert card.digest is not None
        assert len(card.digest) == 64
    else:
        assert card.digest is None, "the user's own, or in the repository, which is its proof"


@pytest.mark.parametrize("name", CORPORA)
def test_units_lie_in_the_text_and_labels_on_the_card(name: str, root: Path) -> None:
    found = read(name, root)
    assert found
    assert len({article.id for article in found}) == len(found)
    for article in found:
        end = 0
        for unit in units_of(article):
            assert end <= unit.start < unit.end <= len(article.text)
            assert article.text[unit.start : unit.end].strip()
            assert set(unit.labels) <= set(find(name).card.signals)
            end = unit.end
        for span in article.spans:
            assert 0 <= span.start < span.end <= len(article.text)


@pytest.mark.parametrize("name", CORPORA)
def test_articles_survive_the_dataset(name: str, root: Path) -> None:
    # Which part an article republishes is no label: what follows from it is in the labels.
    expected = [replace(article, republications=()) for article in read(name, root)]
    assert list(articles(load(name, root, allow_changed=True))) == expected


def test_house_and_standoff_are_known_but_nobody_elses() -> None:
    assert (*PUBLIC, "house", "standoff") == KNOWN
    assert SHIPPED == ("house",)
    assert set(CORPORA) - set(KNOWN) == {"exchange"}


# Each corpus


def test_ptc_line_is_positive_where_any_of_a_span_lies_in_it(root: Path) -> None:
    article, quiet = read("ptc", root)
    assert article.title == "Dam of Orvel opens at last"
    assert [article.text[u.start : u.end] for u in units_of(article)] == PTC_TEXT.split("\n")[
        0:1
    ] + (PTC_TEXT.split("\n")[2:5])
    held = [{s for s, label in labels.items() if label} for labels in labels_of(article)]
    assert held == [
        set(),
        {"any_technique", "loaded_language"},
        {"any_technique", "doubt"},
        {"any_technique", "doubt", "name_calling"},
    ]
    assert all(set(labels.values()) == {0.0} for labels in labels_of(quiet))
    assert {len(labels) for labels in labels_of(quiet)} == {15}


def test_ptc_names_every_technique_once() -> None:
    assert sorted(TECHNIQUE_OF.values()) == sorted(TECHNIQUES)


def test_ptc_says_which_line_is_broken(root: Path) -> None:
    path = root / "ptc-semeval2020/train-task2-TC.labels"
    write(path, path.read_text(encoding="utf-8") + "7\tSarcasm\t1\t2\n")
    with pytest.raises(CorpusError, match=r"TC\.labels, line 4: "):
        load("ptc", root, allow_changed=True)


def test_babe_leaves_out_rows_without_agreement_and_groups_by_page(root: Path) -> None:
    found = read("babe", root)
    assert [a.text for a in found] == [
        'The "genius" mayor struck again; as ever.',
        "The mayor opened a school.",
        "The mayor has a dog.",
    ]
    assert labels_of(found[0]) == [{"biased_language": 1.0}]
    assert labels_of(found[1]) == [{"biased_language": 0.0}]
    group = find("babe").card.group
    assert group(found[0]) == group(found[1]) == "https://a.example/1"
    assert group(found[2]) == found[2].id, "no page known: alone"


def test_polnear_takes_the_majority_and_leaves_ties_open(root: Path) -> None:
    (article,) = read("polnear", root)
    labels = {article.text[u.start : u.end]: dict(u.labels) for u in units_of(article)}
    nothing = dict.fromkeys(find("polnear").card.signals, 0.0)
    assert labels == {
        "Orvel votes": nothing,
        # No source is marked: of which kind it is can't be known.
        "The harbour will close, the mayor said.": {
            "attributed": 1.0,
            "quoted": 0.0,
            "reported": 1.0,
        },
        "It rained all day.": nothing,
        "She may run again.": {},
    }
    assert (article.outlet, article.date) == ("orvel-post", "2016-03-04")


def test_polnear_text_without_annotation_is_an_error(root: Path) -> None:
    write(root / "polnear/data/train/text/orvel-post_2016-03-05_alone.txt", "Alone.\n")
    with pytest.raises(CorpusError, match="no attributions"):
        read("polnear", root)


def test_newssd_reads_both_parts(root: Path) -> None:
    found = read("newssd", root)
    assert [(a.text, *units_of(a)[0].labels.values()) for a in found] == [
        ("A shameful bridge, frankly.", 1.0),
        ("It opened in May.", 0.0),
        ("It has four lanes.", 0.0),
    ]
    group = find("newssd").card.group
    assert group(found[0]) == group(found[1]) != group(found[2])


def test_hyperpartisan_keeps_all_text_and_takes_the_outlet_from_the_url(root: Path) -> None:
    first, second = read("hyperpartisan", root)
    assert first.text == (
        "Dam & city\n\nPhoto of the dam\n\nThey lied again. And again.\n\nVote them out."
    )
    assert [first.text[u.start : u.end] for u in units_of(first)] == [
        "Dam & city",
        "Photo of the dam",
        "They lied again.",
        "And again.",
        "Vote them out.",
    ]
    assert (first.labels, second.labels) == ({"hyperpartisan": 1.0}, {"hyperpartisan": 0.0})
    assert all(not labels for labels in labels_of(first)), "no sentence is labelled"
    assert (first.outlet, second.outlet) == ("orvel.example", "news.orvel.example")


@pytest.mark.parametrize(
    ("treebank", "prose"),
    [
        ("The dam -LRB- 1911 -RRB- , rebuilt", "The dam (1911), rebuilt"),
        ("called `` the wall '' by many", 'called "the wall" by many'),
        ("the novel' A Wet Year', and", "the novel 'A Wet Year', and"),
        ("a ` weir' is low", "a 'weir' is low"),
        ("the dams' height", "the dams' height"),
        ("Orvel 's dam does n't leak .", "Orvel's dam doesn't leak."),
        ("who knows -LRB- -RRB- why ?", "who knows why?"),
        ("lines -LSB- 3 -RSB- here", "lines [3] here"),
    ],
)
def test_wikiweasel_reads_like_prose(treebank: str, prose: str) -> None:
    assert plain(treebank) == prose


def test_wikiweasel_labels_by_file_and_never_gives_one_kind_as_context(root: Path) -> None:
    found = read("wikiweasel", root)
    assert [units_of(a)[0].labels["vague_source"] for a in found] == [0.0, 0.0, 1.0]
    assert found[2].text == "Some say it leaks (often)."
    # Neighbours in the file share a label, so that as one article they would give it away.
    assert all(len(units_of(a)) == 1 for a in found)


def test_claimbuster_goes_by_the_order_of_the_debates(root: Path) -> None:
    found = read("claimbuster", root)
    assert [units_of(a)[0].labels["claim"] for a in found] == [1.0, 0.0]
    assert len({find("claimbuster").card.group(a) for a in found}) == 2


def test_exchange_refuses_a_broken_line(root: Path) -> None:
    write(root / "exchange/other.jsonl", '{"id": "x", "text": "Fine."}\n{"id": "y"}\n')
    with pytest.raises(CorpusError, match=r"other\.jsonl, line 2: no 'text'"):
        load("exchange", root)


# The table


def test_without_a_folder_the_list_says_what_to_obtain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    result = CliRunner().invoke(app, ["--format", "json"])
    assert result.exit_code == 0
    listed = json.loads(result.output)["corpora"]
    states = {one["name"]: one["state"] for one in listed}
    assert states == dict.fromkeys(CORPORA, "missing") | dict.fromkeys(SHIPPED, "present")
    assert all(one["url"] for one in listed)


def test_root_folder_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    with pytest.raises(CorpusError, match="--corpora DIR or set FRAMESCOPE_CORPORA"):
        root_folder(None)
    with pytest.raises(CorpusError, match="no such folder"):
        root_folder(tmp_path / "absent")
    monkeypatch.setenv("FRAMESCOPE_CORPORA", str(tmp_path))
    assert root_folder(None) == tmp_path
    other = tmp_path / "other"
    other.mkdir()
    assert root_folder(other) == other, "the option wins"


def test_missing_changed_and_unknown_corpora_are_one_line(root: Path) -> None:
    (root / "newssd-eng/english/val.csv").unlink()
    for name, message in (
        ("newssd", "'newssd' is missing"),
        ("babe", "not the release that was pinned"),
        ("bab", "unknown corpus 'bab'"),
    ):
        with pytest.raises(CorpusError, match=message) as caught:
            load(name, root)
        assert "\n" not in str(caught.value)


def test_without_the_training_extra_corpora_say_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CorpusError, match=r"pip install '.+\[training\]'"):
        load("newssd", root, allow_changed=True)


def test_damaged_files_are_one_line(root: Path) -> None:
    write(root / "claimbuster/train.json", "[{")
    write(root / "babe/final_labels_SG2_part.csv", "nothing;here\n1;2\n")
    write(root / "hyperpartisan-byarticle/articles-training-byarticle-20181122.xml", "<a>")
    for name in ("claimbuster", "babe", "hyperpartisan"):
        with pytest.raises(CorpusError, match="obtain") as caught:
            load(name, root, allow_changed=True)
        assert "\n" not in str(caught.value)


def test_digest_follows_names_and_contents(root: Path) -> None:
    corpus = find("ptc")
    folder = root / corpus.card.folder
    before = corpus.digest(folder)
    write(folder / "notes.txt", "not read")
    assert corpus.digest(folder) == before
    (folder / "train-articles/article8.txt").rename(folder / "train-articles/article9.txt")
    assert corpus.digest(folder) != before


def test_a_changed_file_is_read_again(root: Path) -> None:
    assert len(load("babe", root, allow_changed=True)) == 3
    path = root / "babe/final_labels_SG2_part.csv"
    write(path, path.read_text(encoding="utf-8").replace("No agreement", "Biased"))
    assert len(load("babe", root, allow_changed=True)) == 4


# The command


def test_command_lists_present_missing_and_changed(root: Path) -> None:
    (root / "newssd-eng/english/val.csv").unlink()
    result = CliRunner().invoke(app, ["--corpora", str(root)])
    assert result.exit_code == 0, result.output
    rows = dict(line.split()[:2] for line in result.output.splitlines() if len(line.split()) > 1)
    assert (rows["newssd"], rows["babe"], rows["exchange"]) == ("missing", "changed", "present")
    assert (rows["house"], rows["standoff"]) == ("present", "present")


def test_command_lists_all_others_when_texts_are_not_those_that_were_labelled(root: Path) -> None:
    write(root / "ptc-semeval2020/train-articles/article7.txt", "Another text.\n")
    write(root / "ptc-semeval2020/train-task2-TC.labels", "")
    result = CliRunner().invoke(app, ["--corpora", str(root)])
    assert result.exit_code == 0, result.output
    rows = dict(line.split()[:2] for line in result.output.splitlines() if len(line.split()) > 1)
    assert (rows["ptc"], rows["house"]) == ("changed", "present")


def test_command_writes_json_with_counts_and_parts(root: Path) -> None:
    options = ["--corpora", str(root), "--allow-changed", "--splits", "--format", "json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    listed = json.loads(result.output)
    by_name = {one["name"]: one for one in listed["corpora"]}
    assert by_name["ptc"]["labels"]["doubt"] == {"labelled": 6, "positive": 2}
    assert by_name["hyperpartisan"]["labels"]["hyperpartisan"] == {"labelled": 2, "positive": 1}
    counted = sum(part["sentences"] for part in listed["splits"]["parts"]["ptc"].values())
    assert counted == by_name["ptc"]["sentences"] == 6


def test_command_is_light_to_import() -> None:
    code = (
        "import sys, framescope.training.commands.corpora\n"
        "heavy = {'datasets', 'torch', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=30)


# The real ones

REAL = {
    # name: articles, rows, a signal, and the share of 1 among its labelled rows
    "ptc": (371, 16_673, "any_technique", 0.285),
    "babe": (2_756, 2_756, "biased_language", 0.523),
    "polnear": (924, None, "attributed", 0.69),
    "newssd": (830, 830, "subjective", 0.359),
    "hyperpartisan": (472, None, None, None),
    "wikiweasel": (7_343, 7_343, "vague_source", 0.290),
    "claimbuster": (7_976, 7_976, "claim", 0.250),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_real_corpus_is_the_one_that_was_pinned(name: str, real_root: Path) -> None:
    if find(name).state(real_root) == "missing":
        pytest.skip(f"{name} isn't here")
    corpus = find(name)
    assert corpus.digest(real_root / corpus.card.folder) == corpus.card.digest


@pytest.mark.parametrize("name", PUBLIC)
def test_real_corpus_has_its_rows_and_labels(name: str, real_root: Path) -> None:
    if find(name).state(real_root) != "present":
        pytest.skip(f"{name} isn't here as it was pinned")
    found = list(articles(load(name, real_root)))
    expected, rows, signal, share = REAL[name]
    assert len(found) == expected
    units = [unit for article in found for unit in units_of(article)]
    if rows is not None:
        assert len(units) == rows
    if signal is None:
        assert sum(a.labels["hyperpartisan"] for a in found) == 175
        return
    labels = [unit.labels[signal] for unit in units if signal in unit.labels]
    assert len(labels) >= 0.999 * len(units)
    assert sum(labels) / len(labels) == pytest.approx(share, abs=0.01)
    assert set(labels) == {0.0, 1.0}
    assert {s for unit in units for s in unit.labels} <= set(NAMES)
