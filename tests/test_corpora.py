"""Readers of small corpora in each one's own format, and of the real ones if they are there."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from framescope.classifier.attribution import begin
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import split_sentences
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, Place, SourceKind, Unit
from framescope.classifier.taxonomy import TECHNIQUES, in_order
from framescope.training.commands.labelled import corpora_app as app
from framescope.training.corpora import CORPORA, PUBLIC, find_corpus, polnear, standoff
from framescope.training.corpora.articles import TECHNIQUE_OF, plain, root_folder
from framescope.training.corpora.polnear import Annotated, Attribution, TypedSource
from framescope.training.data import load_articles
from outlets import INVENTED
from pyarrow import Table, parquet
from typer.testing import CliRunner

CASES = Path(__file__).with_name("cases") / "corpora"  # small ones, of invented articles
PTC_TEXT = (CASES / "ptc-semeval2020/train-articles/article7.txt").read_text(encoding="utf-8")
EXCHANGE = (CASES / "exchange/mine.jsonl").read_text(encoding="utf-8")


def place(text: str, words: str) -> tuple[int, int]:
    start = text.index(words)
    return start, start + len(words)


def standoff_line() -> str:
    """Labels of the first line of the article of PTC; its other lines are not labelled."""
    line = PTC_TEXT.partition("\n")[0]
    sentence = {"start": 0, "end": len(line), "voice": "own", "labels": {"subjective": 0}}
    sentence["digest"] = standoff.digest(line)[: standoff.SHORT]
    named = {"collection": "ptc", "article": "7", "digest": standoff.digest(PTC_TEXT)}
    return json.dumps({**named, "sentences": [sentence]}) + "\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house corpus of one article, with labels on a text of PTC, and no kinds of source."""
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path / "house"))
    files = {"articles/a.jsonl": EXCHANGE, "standoff/polnear.jsonl": ""}
    files |= {f"{name}/labels.jsonl": standoff_line() for name in ("standoff", "judged")}
    german = {"id": "de/orvel-dam/01", "text": "Es regnet.", "lang": "de", "labels": {}}
    files["languages/de.jsonl"] = json.dumps(german) + "\n"
    return write(tmp_path / "house", {**files, "techniques/labels.jsonl": standoff_line()})


@pytest.fixture
def root(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all corpora, tiny, and a cache of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    shutil.copytree(CASES, tmp_path / "corpora")
    posts = tmp_path / "corpora/unlp2025"
    (posts / "data/span_detection").mkdir(parents=True)
    rows = Table.from_pylist(json.loads((posts / "train.json").read_text(encoding="utf-8")))
    parquet.write_table(rows, posts / "data/span_detection/train.parquet")
    return tmp_path / "corpora"


def read(name: str, root: Path) -> list[Article]:
    place = find_corpus(name).place(root)
    assert place is not None
    return list(find_corpus(name).read(place))


def labels_of(article: Article) -> list[dict[str, float]]:
    return [dict(unit.labels) for unit in article.units or ()]


@pytest.mark.parametrize("name", CORPORA)
def test_units_lie_in_the_text_and_labels_on_the_card(name: str, root: Path) -> None:
    card, found = CORPORA[name].card, read(name, root)
    assert tuple(card.signals) == in_order(card.signals), "taxonomy order"
    assert (card.digest is not None) == (name in PUBLIC)
    assert found
    assert len({article.id for article in found}) == len(found)
    for article in found:
        end = 0
        for unit in article.units or ():
            assert end <= unit.start < unit.end <= len(article.text)
            assert article.text[unit.start : unit.end].strip()
            assert set(unit.labels) <= set(card.signals)
            end = unit.end
        assert all(0 <= s.start < s.end <= len(article.text) for s in article.spans)


@pytest.mark.parametrize("name", CORPORA)
def test_articles_survive_the_cache(name: str, root: Path) -> None:
    assert list(load_articles(name, root, allow_changed=True)) == read(name, root)


def test_ptc_line_is_positive_where_any_of_a_span_lies_in_it(root: Path) -> None:
    article, quiet = read("ptc", root)
    assert article.title == "Dam of Orvel opens at last"
    lines = [article.text[u.start : u.end] for u in article.units or ()]
    assert lines == list(filter(None, PTC_TEXT.split("\n")))
    held = [{s for s, label in labels.items() if label} for labels in labels_of(article)]
    loaded, doubt = {"any_technique", "loaded_language"}, {"any_technique", "doubt"}
    assert held == [set(), loaded, doubt, {*doubt, "name_calling"}]
    assert labels_of(quiet) == [dict.fromkeys(find_corpus("ptc").card.signals, 0.0)] * 2
    assert sorted(TECHNIQUE_OF["ptc"].values()) == sorted(TECHNIQUES)


@pytest.mark.parametrize(
    ("name", "labels", "text", "alike"),
    [
        # Without the row that the annotators don't agree on; grouped by page.
        ("babe", [1, 0, 0], 'The "genius" mayor struck again; as ever.', [0, 1]),
        ("newssd", [1, 0, 0], "A shameful bridge, frankly.", [0, 1]),
        ("wikiweasel", [0, 0, 1], "Some say it leaks (often).", [0, 2]),
        ("claimbuster", [1, 0], "Good evening, friends.", [0]),  # in the order of the debates
    ],
)
def test_sentences_are_articles_in_groups(root: Path, name: str, labels, text, alike) -> None:
    found, (signal,) = read(name, root), find_corpus(name).card.signals
    assert [one for a in found for one in labels_of(a)] == [{signal: label} for label in labels]
    assert text in [article.text for article in found]
    groups = [find_corpus(name).card.group(article) for article in found]
    assert [at for at, group in enumerate(groups) if group == groups[0]] == alike


def held_in(name: str, root: Path) -> list[set[str]]:
    """Read each unit's signals that hold, and with a minus those that aren't labelled."""
    every = find_corpus(name).card.signals
    found = [labels for article in read(name, root) for labels in labels_of(article)]
    unknown = [{f"-{one}" for one in every if one not in labels} for labels in found]
    held = [{one for one in every if labels.get(one)} for labels in found]
    return [one | other for one, other in zip(held, unknown, strict=True)]


def test_corpora_in_other_languages_label_what_their_cards_say(root: Path) -> None:
    # What is learned from is no test, and a field is unquoted.
    texts = ["Eine Schande von Brücke.", 'Das "Wunder" von Orvel.', '"Sie ist neu.', "Sie hält."]
    assert [article.text for article in read("checkthat", root)] == texts
    biased, every = {"biased_language"}, {"quoted", "-biased_language"}
    assert held_in("factnews", root) == [every, set(), biased]
    assert held_in("cstnews", root) == [{"attributed"}, set(), {"-attributed"}]
    assert read("cstnews", root)[0].text.startswith('"A barragem (1911) é nova", disse a prefeita.')
    assert held_in("persian", root) == [{"attributed"}, set()]
    assert held_in("gcdt", root)[0] == {"attributed"}
    assert [one.text for name in ("persian", "gcdt") for one in read(name, root)] == [
        "وال گفت که پل بسته است و باران می‌بارد. سد نو است.",
        "Rika Vale说，桥关了，下雨。坝新。",
    ]
    any_one, fear = {"any_technique"}, {"-appeal_to_fear"}
    other = any_one | {"whataboutism"}
    assert held_in("araieval", root) == [other | {"-doubt"}, any_one, set(), any_one | {"doubt"}]
    assert held_in("unlp", root) == [other, set(), any_one | fear, set(), set()]
    assert [a.lang for a in read("unlp", root)] == ["uk", "ru", "uk"]


def test_a_german_quotation_is_a_citation_in_each_of_its_sentences(root: Path) -> None:
    _, damm = read("wikinews", root)
    assert (damm.id, damm.title, damm.date) == ("train/7", "Orvel: Damm", "2016-03-04")
    found = []
    for unit in damm.units or ():
        marked = [(one.source, one.cue, *one.content) for one in unit.citations or ()]
        found.append([[at and damm.text[at.start : at.end] for at in one] for one in marked])
    assert found == [
        [["Vale", "teilte", "„Er hält."]],
        [["Vale", None, "Er ist neu.“"]],
        [["Der Rat", None, "lobt den Damm."]],
        [],
    ]
    direct, reported = {"attributed", "quoted"}, {"attributed", "reported"}
    assert held_in("wikinews", root) == [set(), direct, direct, reported, set()]


def test_hyperpartisan_keeps_all_text_and_takes_the_outlet_from_the_url(root: Path) -> None:
    first, second = read("hyperpartisan", root)
    assert [first.text[u.start : u.end] for u in first.units or ()] == [
        "Dam & city", "Photo of the dam", "They lied again.", "And again.", "Vote them out.",
    ]  # fmt: skip
    assert first.text.count("\n\n") == 3
    assert (first.labels, second.labels) == ({"hyperpartisan": 1.0}, {"hyperpartisan": 0.0})
    assert not any(labels_of(first)), "no sentence is labelled"
    assert (first.outlet, second.outlet) == ("orvel.example", "news.orvel.example")


def antecedents(name: str, root: Path) -> dict[str, list[tuple[str, str | None]]]:
    """Read, by article, which words are marked, and which before them mean the same."""
    found = {}
    for article in read(name, root):
        marked = [one for unit in article.units or () for one in unit.citations or ()]
        pairs = [(one.source, one.antecedent) for one in marked]
        words = [[at and article.text[at.start : at.end] for at in pair] for pair in pairs]
        found[article.id] = [(source, before) for source, before in words]
    return found


def test_a_pronoun_of_gap_points_to_the_name_it_means_or_is_left_out(root: Path) -> None:
    assert antecedents("gap", root) == {
        "d-1": [("she", "Rika Vale")],
        "d-2": [("she", "Orla Quill")],
    }


def test_a_mention_of_gum_points_to_the_one_before(root: Path) -> None:
    # First mentions count of people and organisations: nobody is meant before them.
    she, mayor = "She", "The mayor of Orvel"
    found = [(mayor, None), (she, mayor), ("Orvel", "Orvel"), (she, she)]
    assert antecedents("gum", root) == {"GUM_news_orvel": found}
    (article,) = read("gum", root)
    assert article.text == "The mayor of Orvel. She left Orvel for a rest.\n\nShe slept"
    assert [unit.end for unit in article.units or ()] == [19, 46, 57]


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


def test_polnear_takes_the_majority_and_leaves_ties_open(root: Path) -> None:
    (article,) = read("polnear", root)
    nothing = dict.fromkeys(find_corpus("polnear").card.signals, 0.0)
    # No source is marked: of which kind it is can't be known.
    closed = {"attributed": 1.0, "quoted": 0.0, "reported": 1.0}
    assert labels_of(article) == [nothing, closed, nothing, {}]
    assert (article.outlet, article.date, article.title) == (
        "orvel-post", "2016-03-04", "Orvel votes",
    )  # fmt: skip


def test_polnear_reads_sources_cues_and_contents_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.ann"
    path.write_text(
        "T1\tSource 20 25\tClerk\n"
        "T2\tCue 26 30;40 42\tsaid on\n"
        "T3\tContent 50 55\tlater\n"
        "T4\tContent 0 10;12 15\tsplit\n"
        "T5\tAttribution 26 30\tsaid\n"
        "E1\tAttribution:T5 Cue:T2 Source:T1 Content:T4 Content2:T3 Content3:T6\n"
        "T6\tContent 60 70\talone, as it stands below the event\n"
        "T7\tDiscuss 1 2\tx\n"
        "#1\tAnnotatorNotes T6\twhy?\n",
        encoding="utf-8",
    )
    assert polnear.read_attributions(path) == [
        Attribution(Place(20, 25), Place(26, 42), (Place(0, 10), Place(12, 15), Place(50, 55))),
        Attribution(None, None, (Place(60, 70),)),
    ]


REGISTRY = Registry(own={one.id: one for one in INVENTED})
TYPED = {
    "the harbour courier": TypedSource(SourceKind.NAMED, outlets=("harbour-courier",)),
    "analysts": TypedSource(SourceKind.VAGUE),
    "vesk tv": TypedSource(SourceKind.NAMED, state_media=True, outlets=("vesk-tv",)),
    "rika vale": TypedSource(SourceKind.NAMED),
}
Marked = tuple[str | None, str, str]


def annotated(text: str, *annotators: tuple[Marked, ...]) -> Annotated:
    """Build a text in which annotators marked sources, cues and contents."""

    def attribution(source: str | None, cue: str, content: str) -> Attribution:
        said_by = Place(*place(text, source)) if source else None
        marked = Place(*place(text, cue)), (Place(*place(text, content)),)
        return Attribution(said_by, *marked, TYPED[source.lower()] if source else None)

    article = Article(id="a", text=text, date="2016-03-04")
    marked = tuple(tuple(attribution(*one) for one in each) for each in annotators)
    return Annotated(article, split_sentences(article), marked, begin(article).quotations)


def held(text: str, *annotators: tuple[Marked, ...]) -> list[set[str]]:
    found = annotated(text, *annotators).labels(REGISTRY)
    return [{name for name, value in one.items() if value} for one in found]


@pytest.mark.parametrize(
    ("text", "annotator", "expected"),
    [
        (
            "The bridge will close, the Harbour Courier reported. Analysts expect delays. "
            "The ferry sank, Vesk TV said.",
            (
                ("the Harbour Courier", "reported", "The bridge will close"),
                ("Analysts", "expect", "delays"),
                ("Vesk TV", "said", "The ferry sank"),
            ),
            [
                {"named_source", "reported"},
                {"vague_source", "reported"},
                {"named_source", "state_media_attribution", "reported"},
            ],
        ),
        (  # the outlet that carried the words counts, and not one that is the subject
            "“We are leaving,” Rika Vale told Vesk TV. Vesk TV moved its office, Rika Vale said.",
            (
                ("Rika Vale", "told", "“We are leaving,”"),
                ("Rika Vale", "said", "Vesk TV moved its office"),
            ),
            [{"named_source", "state_media_attribution", "quoted"}, {"named_source", "reported"}],
        ),
        (  # half of the content is in quotation marks, and less
            "“The water is cold and deep,” the Harbour Courier wrote. "
            "The Harbour Courier called it “cold” and not fit for any swimmer.",
            (
                ("the Harbour Courier", "wrote", "“The water is cold and deep,”"),
                ("The Harbour Courier", "called", "it “cold” and not fit for any swimmer"),
            ),
            [{"named_source", "quoted"}, {"named_source", "reported"}],
        ),
    ],
)
def test_a_sentence_has_the_kinds_of_its_sources(text: str, annotator, expected) -> None:
    assert held(text, annotator) == [{"attributed", *signals} for signals in expected]


def test_outlets_are_behind_what_their_sources_say_and_what_they_carried() -> None:
    text = "The ferry sank, Vesk TV said. “We left,” Rika Vale told Vesk TV. Vesk TV moved."
    marked = (("Vesk TV", "said", "The ferry sank"), ("Rika Vale", "told", "“We left,”"))
    assert annotated(text, marked).outlets(REGISTRY) == [{"vesk-tv"}, {"vesk-tv"}, set()]


def test_without_a_source_only_a_vague_cue_tells() -> None:
    text = "The mill is expected to close. The mill seems empty."
    marked = ((None, "is expected", "to close"), (None, "seems", "The mill seems empty"))
    vague, unknown = annotated(text, marked).labels(REGISTRY)
    assert (vague["vague_source"], vague["named_source"]) == (1.0, 0.0)
    assert unknown == {"attributed": 1.0, "quoted": 0.0, "reported": 1.0}


def test_the_majority_says_whether_and_those_who_agree_say_to_whom() -> None:
    text = "The bridge will close, the Harbour Courier reported."
    named = (("the Harbour Courier", "reported", "The bridge will close"),)
    assert held(text, named, named, ()) == [{"attributed", "named_source", "reported"}]
    assert annotated(text, named, ()).labels(REGISTRY) == [{}], "a tie"
    assert held(text, named, (), ()) == [set()]


@pytest.fixture
def typed_root(root: Path, house: Path) -> Path:
    """PolNeAR with a second text, whose sources were typed."""
    text, name = "OTAG said it rained. Vale “agreed”.", "otag-news_2016-03-04_rain"
    marked = (
        "T1\tSource 0 4\tOTAG\nT2\tContent 10 19\tit rained\nT3\tSource 21 25\tVale\n"
        "T4\tContent 26 34\t“agreed”\n"
        "E1\tAttribution:T9 Source:T1 Content:T2\nE2\tAttribution:T8 Source:T3 Content:T4\n"
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    record = {"article": name, "digest": digest, "quotations": [[26, 34]]}
    kinds = json.dumps(record | {"kinds": [["NS:otag", "UG"]]}) + "\n"
    write(house, {"standoff/polnear.jsonl": kinds})
    files = {f"text/{name}.txt": text, f"attributions/{name}_x.ann": marked}
    write(root / "polnear/data/train", files)
    return root / "polnear"


def test_kinds_are_joined_to_what_is_marked(typed_root: Path) -> None:
    _, found = polnear.texts(typed_root)
    assert [one.typed for one in found.annotators[0]] == [
        TypedSource(SourceKind.NAMED, state_media=True, outlets=("otag",)),
        TypedSource(SourceKind.UNNAMED, government=True),
    ]
    first, second = found.labels(REGISTRY)
    assert (first["named_source"], first["state_media_attribution"]) == (1.0, 1.0)
    assert (second["unnamed_source"], second["government_attribution"]) == (1.0, 1.0)
    assert (first["quoted"], second["quoted"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("otag-news_2016-03-04_rain", "It hailed.", r"rain\.txt: not the text .* obtain the corpu"),
        ("orvel-post_2016-03-05_alone", "Alone.\n", r"alone\.txt: no attributions for this text"),
    ],
)
def test_another_text_of_polnear_is_refused(typed_root: Path, file, text, reason) -> None:
    write(typed_root / "data/train/text", {f"{file}.txt": text})
    with pytest.raises(CorpusError, match=reason):
        list(polnear.texts(typed_root))


def test_without_the_file_of_kinds_nothing_is_guessed(typed_root: Path, house: Path) -> None:
    (house / "standoff/polnear.jsonl").unlink()
    with pytest.raises(CorpusError, match=r"polnear\.jsonl: no kinds of source"):
        list(polnear.texts(typed_root))


def test_root_folder_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    with pytest.raises(CorpusError, match="--corpora DIR or set FRAMESCOPE_CORPORA"):
        root_folder(None)
    with pytest.raises(CorpusError, match="no such folder"):
        root_folder(tmp_path / "absent")
    monkeypatch.setenv("FRAMESCOPE_CORPORA", str(tmp_path / "absent"))
    assert root_folder(tmp_path) == tmp_path, "the option wins"


def test_missing_changed_damaged_and_unknown_corpora_are_one_line(root: Path) -> None:
    (root / "newssd-eng/english/val.csv").unlink()
    damaged = {
        "ptc-semeval2020/train-task2-TC.labels": "7\tDoubt\t1\t2\n\n7\tSarcasm\t1\t2\n",
        "claimbuster/train.json": "[{",
        "babe/final_labels_SG2_part.csv": "nothing;here\n1;2\n",
        "hyperpartisan-byarticle/articles-training-byarticle-20181122.xml": "<a>",
        "exchange/other.jsonl": '{"id": "x", "text": "Fine."}\n{"id": "y"}\n',
    }
    write(root, damaged)
    for name, allowed, message in (
        ("newssd", False, "'newssd' is missing"),
        ("babe", False, "not the release that was pinned"),
        ("bab", False, "unknown corpus 'bab'"),
        ("claimbuster", True, "can't be read .*; obtain it again"),
        ("babe", True, "can't be read .*; obtain it again"),
        ("hyperpartisan", True, "not XML .*; obtain the corpus again"),
        ("ptc", True, r"TC\.labels, line 3: .*; obtain the file again"),
        ("exchange", True, r"other\.jsonl, line 2: no 'text'"),
    ):
        with pytest.raises(CorpusError, match=message) as caught:
            load_articles(name, root, allow_changed=allowed)
        assert "\n" not in str(caught.value)


def test_corpora_are_read_without_the_training_extra(root: Path, monkeypatch) -> None:
    cached = list(load_articles("newssd", root, allow_changed=True))
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert list(load_articles("newssd", root, allow_changed=True)) == cached


def test_a_changed_file_is_read_again(root: Path) -> None:
    assert len(list(load_articles("babe", root, allow_changed=True))) == 3
    path = root / "babe/final_labels_SG2_part.csv"
    path.write_text(path.read_text("utf-8").replace("No agreement", "Biased"), "utf-8")
    assert len(list(load_articles("babe", root, allow_changed=True))) == 4


def test_without_a_folder_the_list_says_what_to_obtain(root: Path, monkeypatch) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    listed = json.loads(CliRunner().invoke(app, ["--format", "json"]).output)["corpora"]
    states = {one["name"]: one["state"] for one in listed}
    ours = dict.fromkeys(("house", "house_languages"), "present")
    assert states == dict.fromkeys(CORPORA, "missing") | ours
    assert all(one["url"] for one in listed)


def test_command_lists_present_missing_changed_and_damaged(root: Path) -> None:
    (root / "newssd-eng/english/val.csv").unlink()
    # The labels of standoff are not of this text.
    write(root, {"ptc-semeval2020/train-articles/article7.txt": "Another text.\n"})
    result = CliRunner().invoke(app, ["--corpora", str(root)])
    assert result.exit_code == 0, result.output
    rows = dict(line.split()[:2] for line in result.output.splitlines() if len(line.split()) > 1)
    states = {"newssd": "missing", "babe": "changed", "standoff": "changed"}
    states |= dict.fromkeys(("exchange", "house"), "present")
    assert rows.items() >= states.items()


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


REAL = {
    # name: articles, rows, a signal, and its share of 1
    "ptc": (371, 16_673, "any_technique", 0.285),
    "babe": (2_756, 2_756, "biased_language", 0.523),
    "polnear": (924, 33_919, "attributed", 0.69),
    "newssd": (830, 830, "subjective", 0.359),
    "hyperpartisan": (472, None, "hyperpartisan", 0.371),
    "wikiweasel": (7_343, 7_343, "vague_source", 0.290),
    "claimbuster": (7_976, 7_976, "claim", 0.250),
    "gap": (1_799, 5_366, None, None),
    "gum": (95, 4_293, None, None),
    "checkthat": (9_362, 9_362, "subjective", 0.366),
    "wikinews": (850, None, None, None),
    "factnews": (4_268, 4_268, "quoted", 0.219),
    "cstnews": (68, 1_179, "attributed", 0.247),
    "persian": (109, None, None, None),
    "gcdt": (40, None, None, None),
    "araieval": (1_757, 1_757, "any_technique", 0.766),
    "unlp": (3_822, None, None, None),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLIC)
def test_real_corpus_has_its_rows_and_labels(name: str) -> None:
    given = os.environ.get("FRAMESCOPE_CORPORA")
    root = Path(given or Path(__file__).parents[2] / "shared/corpora")
    if find_corpus(name).state(root) == "missing":
        pytest.skip(f"{name} isn't here")
    found = list(load_articles(name, root))
    expected, rows, signal, share = REAL[name]
    assert len(found) == expected
    units = [unit for article in found for unit in article.units or ()]
    assert rows is None or len(units) == rows
    if signal is None:
        return
    labelled: list[Article] | list[Unit] = found if rows is None else units
    labels = [one.labels[signal] for one in labelled if signal in one.labels]
    assert len(labels) >= 0.97 * len(labelled)
    assert set(labels) == {0.0, 1.0}
    assert sum(labels) / len(labels) == pytest.approx(share, abs=0.01)
