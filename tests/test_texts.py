"""Text as it is in the wild: what doesn't show changes nothing; its language; its sentences."""

import random
import unicodedata
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import growth
import pytest
from framescope.classifier import bundles
from framescope.classifier.attribution import begin, read
from framescope.classifier.inputs import detect_language, legible, read_input
from framescope.classifier.inputs.normal import normalise
from framescope.classifier.inputs.sentences import MAX_CHARS, split
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, Unit, Voice, fold
from framescope.classifier.scoring import Scorer
from hypothesis import given
from hypothesis import strategies as st
from outlets import cases

HARBOUR = Path(__file__).parents[1] / "classifier" / "samples" / "harbour.txt"
LOOK_ALIKES = str.maketrans("aeopcxijsABEKMHOPCTX", "аеорсхіјѕАВЕКМНОРСТХ")


def scattered(text: str, rng: random.Random, share: float, change: object) -> str:
    return "".join(change(c) if rng.random() < share else c for c in text)  # type: ignore[operator]


WILD = {
    "zero width": lambda text, rng: scattered(
        text, rng, 0.1, lambda c: c + rng.choice("\u00ad\u200d")
    ),
    "ligatures": lambda text, rng: text.replace("ffi", "ﬃ").replace("ff", "ﬀ").replace("fl", "ﬂ"),
    "look-alikes": lambda text, rng: scattered(text, rng, 0.3, lambda c: c.translate(LOOK_ALIKES)),
    "decomposed": lambda text, rng: unicodedata.normalize("NFD", text),
}


def test_lines_that_a_pdf_breaks_are_joined(tmp_path):
    (given,) = read_input(str(HARBOUR))
    lines = enumerate(given.text.splitlines())
    parts = ["\n".join(wrap(one, 62 + n % 9, break_on_hyphens=False)) for n, one in lines]
    pages = ("Orrin Gazette", *parts[:9], "1\n\fOrrin Gazette", *parts[9:], "2")
    (tmp_path / "a.txt").write_text("\n\n".join(pages))
    (read,) = read_input(str(tmp_path / "a.txt"))
    assert [one.text for one in split(read)] == [one.text for one in split(given)]
    record = replace(read, text="\n\n".join(parts))
    assert len(split(record)) == len(split(given))


@pytest.mark.parametrize("dated", ["", "Published on 12 March 2025\n"])
def test_a_headline_that_is_the_running_head_stays(tmp_path, dated):
    title, body = next(read_input(str(HARBOUR))).text.split("\n", 1)
    parts = ["\n".join(wrap(one, 66, break_on_hyphens=False)) for one in body.splitlines()]
    first = (f"{dated}{title}", *parts[:4], "2024", *parts[4:9])
    pages = (*first, f"1\n\f{title}", *parts[9:15], f"2\n\f{title}", *parts[15:], "3")
    (tmp_path / "a.txt").write_text("\n\n".join(pages))
    (read,) = read_input(str(tmp_path / "a.txt"))
    assert read.text.count(title) == 1
    assert read.text.startswith(title)
    assert "\n2024\n" in read.text


def test_scripts_of_their_own_stay_as_they_are():
    for text in (
        "The agency (ТАСС) said so, and РИА Новости agreed.",
        "Ο πρωθυπουργός μίλησε στη Βουλή.",
        "TGF-β and µm and the α-helix stay.",
        "Kılıçdaroğlu met Erdoğan in Đà Nẵng.",
        "شورا می\u200cگوید VIPы на iPhoneах.",
    ):
        assert legible(text) == text
    assert legible("Oн cкaзaл, что порт закрыт.") == "Он сказал, что порт закрыт."
    assert legible("Не said that " + "а" + " strike was near.") == "He said that a strike was near."


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_places_lead_back_into_the_text(text):
    found = normalise(text)
    if found is None:
        return
    assert len(found.text) == len(found.starts) == len(found.ends)
    for at in range(len(found.text)):
        start, end = found.given(at, at + 1)
        assert 0 <= start < end <= len(text)
    assert list(found.starts) == sorted(found.starts)


@pytest.fixture(scope="module")
def scorer():
    registry = load_registry()
    return Scorer(bundles.load("baseline", registry), registry=registry)


@pytest.mark.parametrize("change", WILD)
def test_nothing_that_is_found_changes(scorer, change):
    (article,) = read_input(str(HARBOUR))
    text = article.text.replace("port", "Pörtchen")
    wild = Article("wild", WILD[change](text, random.Random(7)), outlet=article.outlet)
    plain = Article("plain", legible(wild.text), outlet=article.outlet)
    assert (plain.text, detect_language(wild.text)) == (text, "en")
    as_meant, as_given = scorer.score([plain, wild])
    normal = normalise(wild.text)
    assert normal is not None
    assert as_given.article.text == wild.text
    assert len(as_given.sentences) == len(as_meant.sentences) > 10
    for one, other in zip(as_given.sentences, as_meant.sentences, strict=True):
        assert wild.text[one.start : one.end] == one.text
        assert normal.place(one.start, one.end) == (other.start, other.end)
        assert (one.flags, one.voice, one.scores) == (other.flags, other.voice, other.scores)
        assert [c.name for c in one.citations] == [c.name for c in other.citations]
        here = [p for c in one.citations for p in c.content] + [*one.evidence]
        there = [p for c in other.citations for p in c.content] + [*other.evidence]
        assert [normal.place(p.start, p.end) for p in here] == [(p.start, p.end) for p in there]


def test_what_a_file_marks_is_found_in_its_place(scorer):
    text = "The of\u00adfer is a dis\u00adgrace. Offi\u00adcials said so."
    cut = text.index(" Offi")
    (report,) = scorer.score([Article("a", text, units=(Unit(0, cut), Unit(cut + 1, len(text))))])
    assert [one.text for one in report.sentences] == [text[:cut], text[cut + 1 :]]


ENGLISH = (
    "The harbour council of Port Ellery said on Tuesday that it had agreed to widen the eastern "
    "breakwater after two ferries were damaged in the winter storms. "
)
SENTENCES = {
    "en": "Mayor of Port Ellery promises new ferry after storm damage",
    "de": "Der Hafenrat von Ellerhaven teilte mit, dass der Damm nach den Stürmen erneuert wird.",
    "fr": "Le conseil du port a annoncé que la digue serait élargie après les tempêtes de l'hiver.",
    "es": "El consejo del puerto anunció que el dique será ampliado después de los temporales.",
    "pt": "O conselho do porto anunciou que o dique será alargado depois das tempestades.",
    "pl": "Rada portu poinformowała, że falochron zostanie poszerzony po zimowych sztormach.",
    "ru": "Совет порта сообщил, что волнорез будет расширен после зимних штормов.",
    "uk": "Рада порту повідомила, що хвилеріз буде розширено після зимових штормів.",
    "ar": "أعلن مجلس الميناء أن كاسر الأمواج سيتم توسيعه بعد عواصف الشتاء.",
    "tr": "Liman kurulu, kış fırtınalarından sonra dalgakıranın genişletileceğini açıkladı.",
    "zh": "港口委员会表示,冬季风暴过后将扩建防波堤。",
    "fa": "شورای بندر اعلام کرد که موج‌شکن پس از توفان‌های زمستان گسترش می‌یابد.",
}


def test_tells_a_sentence():
    assert [detect_language(text) for text in SENTENCES.values()] == list(SENTENCES)


@pytest.mark.parametrize(
    "headline",
    [
        "Bundestag vote splits ruling coalition",
        "Le Pen ally quits Assemblée over budget",
        "Kremlin: Zelensky, Xi, Erdoğan invited to Astana",
        "BREAKING: THREE HURT IN ELLERY FERRY BLAZE",
        "#Ellery #Ferry @PortEllery harbour blaze kills one, injures ten",
        # Taken for Nigerian Pidgin, which is written with English words.
        "Choirs from two Koreas, one song. Choirs from the two sang one song in Geneva on Sunday.",
    ],
)
def test_never_takes_an_english_headline_for_another_language(headline):
    assert detect_language(headline) in {"en", None}


def test_quotations_and_lines_of_another_language_do_not_decide():
    german = (SENTENCES["de"] + " Die Arbeiten dauern drei Jahre und werden bezahlt. ") * 10
    assert detect_language(german + "“The levy is fair,” said the chairman. " + german) == "de"
    assert detect_language(ENGLISH * 2 + f" “{SENTENCES['de']}” " + ENGLISH * 3) == "en"
    assert detect_language("Cookies OK.\n" + SENTENCES["fr"] * 300) == "fr"
    assert not any(map(detect_language, ("", "Paris", "12345 !!! 2023 ---", "😀😀😀", "ja nein")))


CASES = cases("sentences.jsonl")

# Any code point that a text can hold, and more often the marks that boundaries hang on.
PIECES = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(
        [*" \n\r\t.!?\"'“”)(«»[]1aA—؟。！文\u2028\x00\u0301😀", "\r\n", ". ", '."', "[2]", "Mr. "]
    ),
)
TEXTS = st.lists(PIECES, max_size=80).map("".join)


def texts_of(text: str, lang: str | None = None) -> list[str]:
    return [sentence.text for sentence in split(Article(id="a", text=text, lang=lang))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_splits_news_prose_as_a_person_does(case):
    # A known failure that begins to pass is no longer marked as one.
    found = texts_of(case["text"], case.get("lang"))
    assert (found == case["sentences"]) is ("known_failure" not in case)


@given(TEXTS, st.sampled_from([None, *LANGUAGES]))
def test_offsets_hold_and_nothing_is_lost_in_any_text(text, lang):
    at, between = 0, ""
    for i, sentence in enumerate(split(Article(id="a", text=text, lang=lang))):
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip()
        assert sentence.text
        assert sentence.start >= at
        assert (sentence.article_id, sentence.index) == ("a", i)
        between += text[at : sentence.start]
        at = sentence.end
    assert not (between + text[at:]).strip()


@given(TEXTS)
def test_folding_writes_one_form_of_quotes_dashes_and_spaces_and_keeps_every_offset(text):
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
    text = "“Don’t,” she\u00a0said — «no» „no“ ‘no’ 3–4"
    assert fold(text) == '"Don\'t," she said - "no" "no" \'no\' 3-4'


def test_given_units_are_the_sentences_and_are_not_split_again():
    text = "One. Two. Three."
    units = (Unit(0, 9), Unit(10, 16, voice=Voice.QUOTED))
    sentences = split(Article(id="a", text=text, units=units))
    assert [s.text for s in sentences] == ["One. Two.", "Three."]
    assert [s.voice for s in sentences] == [None, Voice.QUOTED]
    assert split(Article(id="a", text="One.", units=())) == ()


@pytest.mark.parametrize("lang", ["en", "de", "zh"])
@pytest.mark.parametrize("word", ["word ", "clause; ", "x", "é😀", "Dr. z. B. "])
def test_no_sentence_is_too_long_for_a_model(word, lang):
    text = word * 3000
    pieces = texts_of(text, lang)
    assert max(map(len, pieces)) <= MAX_CHARS
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert ";" not in word or all(piece.endswith(";") for piece in pieces)  # between clauses first


def test_each_paragraph_is_split_in_its_own_language():
    russian = SENTENCES["ru"] + " Об этом сообщил А. Орлов."
    last = f"{ENGLISH}“{SENTENCES['ru']}”"
    monitor = [ENGLISH.strip(), "Перевод:", russian, "«Нет».", last]
    text = "\n".join(monitor)
    sentences = split(Article("a", text))
    assert [one.lang for one in sentences] == ["en", "ru", "ru", "ru", "ru", "en", "en"]
    assert " ".join(one.text for one in sentences[2:4]) == russian
    units = tuple(Unit(one.start, one.end) for one in sentences)
    assert [one.lang for one in split(Article("a", text, units=units))] == [
        one.lang for one in sentences
    ]
    reading = read(Article("a", text + "\n" + (russian + "\n") * 6), load_registry())
    assert reading.article.lang == "ru"  # most of it
    assert reading.sentences[0].lang == "en"


@pytest.mark.parametrize("lang", ["ar", "zh"])
def test_lines_that_break_off_are_joined_without_small_letters(lang):
    text = (SENTENCES[lang] + " " * (lang != "zh")) * 12
    lines = wrap(text, 36)
    sentences = split(Article("a", "\n".join(lines), lang=lang))
    assert len(sentences) == len(split(Article("a", text, lang=lang)))
    assert any("\n" in one.text for one in sentences)


@pytest.mark.parametrize(
    ("lang", "part"),
    [
        ("de", "z. B. "),
        ("ru", "— а, — «б». "),
        ("zh", "“港”"),
        ("ar", "ميناء "),
        ("uk", "Ч: так?\n"),
    ],
)
def test_twice_as_long_a_text_is_twice_the_work(lang, part):
    def work(times: int) -> int:
        article = Article("a", part * times, lang=lang)
        return min(growth.calls(lambda: begin(article)) for _ in range(2))

    once, twice = work(400), work(800)
    assert twice < 2.5 * once + 1_000


def test_the_languages_are_a_table():
    assert " ".join(LANGUAGES) == "en de it pt ar ru uk zh fa fr es pl tr"
    assert [one.code for one in LANGUAGES.values() if one.direction == "rtl"] == ["ar", "fa"]
    assert LANGUAGES["uk"].name == "Ukrainian"
