"""What is read in place of outlets' names, and the way back to the article's own characters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import toys
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.ngrams import Ngrams
from framescope.classifier.models.passages import Packer
from framescope.classifier.models.placeholders import Reader, Reading, TextForm, digest, form_of
from framescope.classifier.models.tfidf import TfidfModel
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Sentence
from framescope.classifier.records.outlet import Name, Outlet, Role
from framescope.classifier.records.statements import About, Code, Evidence, Statement
from framescope.classifier.taxonomy import NAMES


def outlet(id: str, *names: str, code: Code | None = None, role: Role = Role.PUBLISHER) -> Outlet:
    said = (Statement(About.CODE, code, Evidence("made up")),) if code else ()
    return Outlet(id, names[0], role, names=tuple(map(Name, names)), statements=said)


OWN = (
    outlet("vesk-herald", "Vesk Herald", "The Vesk Herald"),
    outlet("orrin-agency", "Orrin Telegraph Agency", "OTAG", code=Code.SC),
    outlet("dunholt-radio", "Radio Dunholt", code=Code.IP),
    outlet("quill-video", "Quillvideo", role=Role.PLATFORM),
    outlet("twin-one", "Marrow Courier", code=Code.SC),
    outlet("twin-two", "Marrow Courier"),
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(own={one.id: one for one in OWN})


@pytest.fixture(scope="module")
def reader(registry: Registry) -> Reader:
    return Reader(registry)


def sentence(text: str, start: int = 0) -> Sentence:
    return Sentence(text, start, start + len(text), "a", 0)


@pytest.mark.parametrize(
    ("text", "typed", "neutral"),
    [
        ("It rained, OTAG said.", "It rained, StateMedia said.", "It rained, NewsMedia said."),
        (
            "The Vesk Herald quoted Radio Dunholt.",
            "NewsMedia quoted NewsMedia.",
            "NewsMedia quoted NewsMedia.",
        ),
        ("A film on Quillvideo.", "A film on Quillvideo.", "A film on Quillvideo."),
        ("Nobody said so.", "Nobody said so.", "Nobody said so."),
        ("", "", ""),
    ],
)
def test_names_are_read_by_type_or_all_alike(reader, text, typed, neutral) -> None:
    readings = reader.read(sentence(text))
    assert (readings.typed.text, readings.neutral.text) == (typed, neutral)
    assert readings.form(TextForm.TYPED) is readings.typed
    assert readings.form(TextForm.NEUTRAL) is readings.neutral


def test_a_sentence_stays_grammatical_around_a_name(reader) -> None:
    readings = reader.read(sentence("as reported by the state Orrin Telegraph Agency's desk"))
    assert readings.typed.text == "as reported by the state StateMedia's desk"


def test_a_name_that_outlets_of_both_types_share_is_not_state_media(reader) -> None:
    readings = reader.read(sentence("The Marrow Courier wrote it."))
    assert "StateMedia" not in readings.typed.text
    assert not readings.differ


def test_without_a_registry_texts_are_read_as_they_are() -> None:
    readings = Reader().read(sentence("OTAG said so."))
    assert readings.typed == readings.neutral == Reading("OTAG said so.")
    assert not readings.differ


def test_names_that_a_sentence_brings_are_not_looked_for_again(reader, registry) -> None:
    given = sentence("It rained, OTAG said.")
    found = replace(given, mentions=tuple(registry.mentions(given.text)))
    assert reader.read(found) == reader.read(given)
    assert reader.mentions(found)
    none = replace(given, mentions=())
    assert reader.read(none).typed == Reading(given.text)
    assert Reader().read(found).typed == Reading(given.text)


def test_a_sentence_is_the_same_whether_or_not_names_were_looked_for() -> None:
    given = sentence("It rained, OTAG said.")
    found = replace(given, mentions=())
    assert found == given
    assert repr(found) == repr(given)  # by which a checkpoint knows what it was trained on


def test_the_forms_differ_where_state_media_is_named(reader) -> None:
    for text in ("OTAG left.", "The Vesk Herald left.", "It left.", "Radio Dunholt and OTAG."):
        readings = reader.read(sentence(text))
        assert (readings.typed.text != readings.neutral.text) is readings.differ, text
        assert readings.differ is ("OTAG" in text), text


def test_ranges_come_back_as_the_originals_characters(reader) -> None:
    text = "Rain, The Vesk Herald and the Orrin Telegraph Agency said, ended."
    for form in TextForm:
        reading = reader.read(sentence(text)).form(form)
        for word in ("Rain", "and", "said", "ended."):
            at = reading.text.index(word)
            start, end = reading.original(at, at + len(word))
            assert text[start:end] == word
        first, second = reading.names
        for name, whole in ((first, "Vesk Herald"), (second, "Orrin Telegraph Agency")):
            inside = reading.original(name.start + 2, name.start + 4)
            assert whole in text[slice(*inside)]
            assert reading.original(name.start, name.end) == inside
        across = reading.original(first.end - 1, second.start + 1)
        assert text[slice(*across)].endswith("Orrin Telegraph Agency")
        assert reading.original(0, len(reading.text)) == (0, len(text))


def test_every_range_of_a_reading_is_one_of_the_text(reader) -> None:
    text = "OTAG, OTAG and The Vesk Herald"
    reading = reader.read(sentence(text)).typed
    for start in range(len(reading.text)):
        for end in range(start + 1, len(reading.text) + 1):
            first, last = reading.original(start, end)
            assert 0 <= first < last <= len(text), (start, end)


def test_what_is_about_sources_reads_types_and_nothing_else_does() -> None:
    typed = {name for name in NAMES if form_of(name) is TextForm.TYPED}
    assert {"attributed", "state_media_attribution", "named_source", "quoted"} <= typed
    assert not typed & {"claim", "biased_language", "any_technique", "loaded_language"}
    assert "hyperpartisan" not in typed


def test_the_digest_follows_names_and_types_alone(registry) -> None:
    before = digest(registry)
    assert digest(registry.with_outlets([replace(OWN[0], country="XX")])) == before
    assert digest(registry.with_outlets([outlet("vesk-herald", "Vesk Post")])) != before
    taken = outlet("vesk-herald", "Vesk Herald", "The Vesk Herald", code=Code.CAPU)
    assert digest(registry.with_outlets([taken])) != before
    platform = outlet("more", "Morevideo", role=Role.PLATFORM)
    assert digest(registry.with_outlets([platform])) == before


def test_sentences_with_other_names_are_read_with_their_own(registry) -> None:
    """Whoever writes other words into a sentence takes away the names that were found in it."""
    from framescope.training.data.swaps import Counterfactuals, Entity, Swap

    shipped = Reader.of()
    text = "Reuters said Freedonia “paid”."
    quoted = ((text.index("“"), text.index("”") + 1),)
    given = replace(sentence(text), mentions=tuple(shipped.registry.mentions(text)), quoted=quoted)
    assert shipped.mentions(given)
    lands = [Entity("country", {"name": name}) for name in ("Freedonia", "Xinhua")]
    renamed, _, _ = Counterfactuals(tuple(lands)).rename(given, (), {"Freedonia": "Xinhua"})
    swapped, _ = Swap(shipped.registry, {}, share=1.0).rename(given)
    for changed in (renamed, swapped):
        assert len(changed.text) != len(text)
        assert [changed.text[start:end] for start, end in changed.quoted] == ["“paid”"]
        assert shipped.read(changed) == shipped.read(sentence(changed.text))


# --- models --------------------------------------------------------------------------------------

SIGNALS = ("state_media_attribution", "loaded_language")
TERMS = ("newsmedia", "said", "statemedia", "vile")


@pytest.fixture
def tfidf(reader) -> TfidfModel:
    block = Ngrams("word", 1, 1, TERMS, np.ones(4, np.float32))
    weights = np.array([[-4.0, 1.0, 4.0, 0.0], [2.0, 0.0, -9.0, 3.0]])
    return TfidfModel(
        SIGNALS, (block,), weights, np.zeros(2), Calibration.identity(SIGNALS), reader
    )


def test_the_baseline_tells_types_apart_and_frames_alike(tfidf) -> None:
    found = tfidf.predict_proba(
        [sentence("A vile deal, OTAG said."), sentence("A vile deal, Vesk Herald said.")]
    )
    assert found[0, 0] > 0.9
    assert found[1, 0] < 0.2
    assert found[0, 1] == found[1, 1]


def test_the_baseline_shows_the_whole_name_as_the_reason(tfidf) -> None:
    text = "The Orrin Telegraph Agency said."
    prediction = tfidf.predict([sentence(text, start=100)])
    ((span, *_),) = prediction.evidence([(0, "state_media_attribution")])
    assert text[span.start - 100 : span.end - 100] == "Orrin Telegraph Agency"


def test_a_baseline_remembers_whether_it_reads_placeholders(tfidf, reader, tmp_path) -> None:
    from framescope.classifier.models.tfidf import load

    tfidf.save(tmp_path)
    again = load(tmp_path, tfidf.calibration, reader.registry)
    some = [sentence("A vile deal, OTAG said.")]
    np.testing.assert_array_equal(again.predict_proba(some), tfidf.predict_proba(some))
    plain = TfidfModel(
        SIGNALS, tfidf.blocks, tfidf.weights, tfidf.intercepts, Calibration.identity(SIGNALS)
    )
    plain.save(tmp_path)
    as_it_is = load(tmp_path, tfidf.calibration, reader.registry)
    assert as_it_is.reader.registry is None
    np.testing.assert_array_equal(as_it_is.predict_proba(some), plain.predict_proba(some))


def test_tokens_of_a_placeholder_stand_for_the_whole_name(encoder, reader) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    packer = Packer(tokenizer, 64, reader=reader)
    text = "the Orrin Telegraph Agency said"
    neutral, typed, differing = packer.tokenize_both([sentence(text)])
    assert differing == [0]
    for tokens in (neutral[0], typed[0]):
        places = {text[start:end] for start, end in tokens.offsets}
        assert any("Orrin Telegraph Agency" in place for place in places)
        assert not places & {"Orrin", "Telegraph", "Agency"}


def test_tokens_are_read_again_only_where_the_forms_differ(encoder, reader) -> None:
    from tokenizers import Tokenizer

    packer = Packer(Tokenizer.from_file(str(encoder / "tokenizer.json")), 64, reader=reader)
    rows = [sentence("The ferry left."), sentence("Vesk Herald said."), sentence("OTAG said.")]
    neutral, typed, differing = packer.tokenize_both(rows)
    assert differing == [2]
    assert typed[0] is neutral[0]
    assert typed[1] is neutral[1]


def test_the_transformer_frames_alike_whoever_is_named(fine_tuned, transformer_bundle, registry):
    """Read with placeholders, a passage scores the same under either name, in every framing."""
    import json
    import shutil

    from framescope.classifier.models import transformer

    folder = transformer_bundle.parent / "reads-placeholders"
    shutil.copytree(transformer_bundle, folder, dirs_exist_ok=True)
    record = json.loads((folder / "heads.json").read_text())
    assert record["placeholders"] is False
    (folder / "heads.json").write_text(json.dumps({**record, "placeholders": True}))
    model = transformer.load(folder, Calibration.identity(tuple(record["signals"])), registry)
    article = toys.unseen(1)
    named = {
        name: [replace(s, text=f"{s.text} So says {name}.") for s in article]
        for name in ("OTAG", "Vesk Herald", "Radio Dunholt")
    }
    scores = {name: model.predict(rows) for name, rows in named.items()}
    typed = [form_of(signal) is TextForm.TYPED for signal in model.signals]
    neutral = ~np.array(typed)
    for name in ("Vesk Herald", "Radio Dunholt"):
        assert (scores[name].proba[:, neutral] == scores["OTAG"].proba[:, neutral]).all()
    assert (scores["Vesk Herald"].proba == scores["Radio Dunholt"].proba).all()
    assert (scores["Vesk Herald"].proba[:, typed] != scores["OTAG"].proba[:, typed]).any()
    for spans in scores["OTAG"].evidence([(0, signal) for signal in model.signals]):
        for span in spans:
            assert named["OTAG"][0].start <= span.start < span.end <= span.start + 200
