"""What the rules find of a sentence, as models read it: for sourcing signals, and no others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import toys

from classifier.errors import BundleError
from classifier.models import tfidf, transformer
from classifier.models.base import Calibration
from classifier.models.passages import HEADS
from classifier.models.placeholders import FINDINGS, findings, reads_findings
from classifier.taxonomy import BY_NAME, NAMES, Family, in_order
from classifier.values.article import Citation, Sentence, SourceKind, Voice
from training.baseline.baseline import BaselineRecipe
from training.data.examples import Examples
from training.transformer.encoder import export
from training.transformer.finetune import TransformerRecipe

NAMED = Citation(None, None, (), SourceKind.NAMED)
VAGUE = Citation(None, None, (), SourceKind.VAGUE)


def sentence(*citations: Citation, voice: Voice = Voice.OWN) -> Sentence:
    return Sentence("The ferry left.", 0, 15, "a", 0, voice, citations)


# --- the array ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (sentence(), set()),
        (sentence(NAMED), {"named"}),
        (sentence(replace(NAMED, kind=SourceKind.UNNAMED)), {"unnamed"}),
        (sentence(VAGUE), {"vague"}),
        (sentence(NAMED, NAMED, VAGUE), {"named", "vague"}),
        (sentence(replace(NAMED, government=True)), {"named", "government"}),
        (sentence(VAGUE, replace(NAMED, state_media=True)), {"vague", "named", "state_media"}),
        (sentence(voice=Voice.REPORTED), {"reported"}),
        (sentence(NAMED, voice=Voice.QUOTED), {"named", "quoted"}),
    ],
)
def test_findings_are_kinds_of_source_whose_it_is_and_voice(given, found) -> None:
    (row,) = findings([given])
    assert {name for name, value in zip(FINDINGS, row, strict=True) if value == 1} == found
    assert set(np.unique(row)) <= {0.0, 1.0}


def test_rows_are_the_sentences_in_order() -> None:
    found = findings([sentence(), sentence(NAMED), sentence()])
    assert (found.dtype, found.shape) == (np.float32, (3, len(FINDINGS)))
    assert found.sum(axis=1).tolist() == [0, 1, 0]
    assert findings([]).shape == (0, len(FINDINGS))


def test_sourcing_reads_them_and_nothing_else_does() -> None:
    reading = {name for name, reads in zip(NAMES, reads_findings(NAMES), strict=True) if reads}
    assert reading == {name for name in NAMES if BY_NAME[name].family is Family.SOURCING}
    assert {"named_source", "quoted"} <= reading
    assert not {"claim", "loaded_language", "hyperpartisan"} & reading


# --- what models learn of them --------------------------------------------------------------------

SIGNALS = ("named_source", *toys.SIGNALS[1:])
NAMED_SOURCE = SIGNALS.index("named_source")
FRAMING = [SIGNALS.index(signal) for signal in toys.SIGNALS[1:]]
ROUNDS = (  # a citation stands in every other sentence, whatever its text
    ((), Voice.OWN),
    ((NAMED,), Voice.OWN),
    ((VAGUE,), Voice.REPORTED),
    ((replace(NAMED, government=True), VAGUE), Voice.QUOTED),
)


def planted() -> Examples:
    """The toys, where the rules alone tell which sentences have a named source."""
    toy = toys.examples()
    drawn = np.random.default_rng(3).integers(0, len(ROUNDS), len(toy))
    sentences = tuple(
        replace(one, citations=ROUNDS[draw][0], voice=ROUNDS[draw][1])
        for one, draw in zip(toy.sentences, drawn, strict=True)
    )
    labels = toy.labels.copy()
    known = toy.corpus == "sources"
    labels[known, 0] = np.isin(drawn, (1, 3))[known]
    return replace(toy, sentences=sentences, labels=labels, signals=in_order(SIGNALS))


def with_findings(*citations: Citation, voice: Voice = Voice.OWN) -> list[Sentence]:
    """Give new sentences, all with the same findings."""
    return [replace(one, citations=citations, voice=voice) for one in toys.unseen(4)]


@pytest.fixture(scope="module")
def recipe(encoder, toy_settings) -> TransformerRecipe:
    return TransformerRecipe(encoder, replace(toy_settings, epochs=6)).fit(planted())


@pytest.fixture(scope="module")
def exported(recipe, encoder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export(recipe.network_, recipe.heads(), encoder / transformer.TOKENIZER, folder, int8=False)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    BaselineRecipe(mixes=("both",), strengths=(1.0,), balances=(None,)).fit(planted()).model_.save(
        folder
    )
    return folder


KINDS = {"baseline": (tfidf, "saved"), "transformer": (transformer, "exported")}


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    module, folder = KINDS[request.param]
    return module.load(request.getfixturevalue(folder), Calibration.identity(SIGNALS))


def test_what_the_rules_find_moves_sourcing_and_no_framing(model) -> None:
    plain, cited = model.logits(with_findings()), model.logits(with_findings(NAMED))
    assert (cited[:, NAMED_SOURCE] > plain[:, NAMED_SOURCE] + 1).all()
    np.testing.assert_array_equal(cited[:, FRAMING], plain[:, FRAMING])
    quoted = model.logits(with_findings(VAGUE, voice=Voice.QUOTED))
    np.testing.assert_array_equal(quoted[:, FRAMING], plain[:, FRAMING])


def test_named_sources_are_told_by_the_rules_where_no_word_tells(model) -> None:
    rows = [s for draw in ROUNDS for s in with_findings(*draw[0], voice=draw[1])]
    proba = model.predict_proba(rows)[:, NAMED_SOURCE]
    named = findings(rows)[:, FINDINGS.index("named")] == 1
    assert proba[named].min() > proba[~named].max()


def test_findings_are_those_of_each_sentence_not_of_its_neighbours(model) -> None:
    rows = with_findings()
    one = [replace(rows[0], citations=(NAMED,)), *rows[1:]]
    difference = model.logits(one)[:, NAMED_SOURCE] - model.logits(rows)[:, NAMED_SOURCE]
    assert difference[0] > 1
    np.testing.assert_array_equal(difference[1:], 0)


def test_evidence_is_words_of_the_text_with_or_without_citations(model) -> None:
    plain, cited = with_findings(), with_findings(NAMED)
    before, after = model.predict(plain), model.predict(cited)
    for row in range(len(plain)):
        wanted = [(row, "named_source")]
        assert before.evidence(wanted) == after.evidence(wanted)


# --- on disk --------------------------------------------------------------------------------------


def model_of(folder: Path) -> tfidf.TfidfModel:
    return tfidf.load(folder, Calibration.identity(SIGNALS))


def test_the_baseline_keeps_what_it_learned_of_them(saved) -> None:
    with np.load(saved / tfidf.WEIGHTS, allow_pickle=False) as arrays:
        trust = arrays["trust"]
    assert trust.shape == (len(SIGNALS), len(FINDINGS))
    assert trust[NAMED_SOURCE, FINDINGS.index("named")] > 1
    assert (trust[FRAMING] == 0).all()
    np.testing.assert_array_equal(model_of(saved).finding_weights, trust)


def test_the_served_transformer_adds_what_the_trained_one_does(exported, recipe) -> None:
    served = transformer.load(exported, Calibration.identity(SIGNALS))
    rows = with_findings(NAMED, voice=Voice.REPORTED)
    # Its word embeddings are int8, those of the trained network are not; findings are added later.
    added = served.logits(rows) - served.logits(with_findings())
    expected = recipe.logits(rows) - recipe.logits(with_findings())
    np.testing.assert_allclose(added, expected, atol=1e-4)
    np.testing.assert_allclose(served.heads.findings, recipe.network_.trust().detach(), rtol=1e-6)
    assert np.abs(expected[:, NAMED_SOURCE]).min() > 1


def test_a_baseline_from_before_them_loads_and_reads_the_text_alone(saved, tmp_path) -> None:
    (tmp_path / tfidf.VOCABULARY).write_bytes((saved / tfidf.VOCABULARY).read_bytes())
    with np.load(saved / tfidf.WEIGHTS, allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in arrays if name != "trust"}
    np.savez_compressed(tmp_path / tfidf.WEIGHTS, **kept)
    older = model_of(tmp_path)
    np.testing.assert_array_equal(older.logits(with_findings(NAMED)), older.logits(with_findings()))
    np.testing.assert_array_equal(
        older.logits(with_findings()), model_of(saved).logits(with_findings())
    )
    np.savez_compressed(tmp_path / tfidf.WEIGHTS, **kept, trust=np.zeros((2, 2)))
    with pytest.raises(BundleError, match="don't fit"):
        model_of(tmp_path)


def test_a_transformer_from_before_them_loads_and_reads_the_text_alone(exported, tmp_path) -> None:
    for path in exported.iterdir():
        (tmp_path / path.name).symlink_to(path)
    record = json.loads((exported / HEADS).read_text())
    (tmp_path / HEADS).unlink()

    def load(heads: dict[str, object]) -> transformer.TransformerModel:
        (tmp_path / HEADS).write_text(json.dumps(heads))
        return transformer.load(tmp_path, Calibration.identity(SIGNALS))

    older = load({k: v for k, v in record.items() if k not in ("findings", "placeholders")})
    np.testing.assert_array_equal(older.logits(with_findings(NAMED)), older.logits(with_findings()))
    for wrong in (record["findings"][:-1], [row[:-1] for row in record["findings"]]):
        with pytest.raises(BundleError, match="don't belong together"):
            load({**record, "findings": wrong})


# --- where the transformer starts -----------------------------------------------------------------


@pytest.fixture(scope="module")
def start(encoder, toy_settings) -> TransformerRecipe:
    return TransformerRecipe(encoder, replace(toy_settings, epochs=0)).fit(planted())


def test_the_transformer_starts_at_what_findings_say_alone(start) -> None:
    from sklearn.linear_model import LogisticRegression

    data = planted()
    train = data.where((data.part == "train") & ~np.isnan(data.column("named_source")))
    alone = LogisticRegression().fit(findings(train.sentences), train.column("named_source"))
    trust = start.network_.trust().detach().numpy()
    np.testing.assert_allclose(trust[NAMED_SOURCE], alone.coef_[0], rtol=1e-5)
    bias = start.network_.vote.bias.detach().numpy()
    assert bias[NAMED_SOURCE] == pytest.approx(alone.intercept_[0], rel=1e-5)
    assert (trust[FRAMING] == 0).all()
    rows = [*with_findings(NAMED), *with_findings(VAGUE)]
    logits = start.logits(rows)[:, NAMED_SOURCE]
    assert logits[: len(rows) // 2].min() > logits[len(rows) // 2 :].max() + 1


@pytest.mark.slow
def test_both_recipes_lean_where_they_are_told_to(
    start, encoder, toy_settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = planted()
    learned = (
        BaselineRecipe().fit(data).model_.finding_weights,
        start.network_.trust().detach().numpy(),
    )
    monkeypatch.setattr("training.data.leaning.LEANS", {"named_source": ("vague", 7.0)})
    untrained = TransformerRecipe(encoder, replace(toy_settings, epochs=0)).fit(data)
    leant = (
        BaselineRecipe().fit(data).model_.finding_weights,
        untrained.network_.trust().detach().numpy(),
    )
    wanted = np.zeros_like(learned[0])
    wanted[NAMED_SOURCE, FINDINGS.index("vague")] = 7.0
    for before, after in zip(learned, leant, strict=True):
        np.testing.assert_allclose(after - before, wanted, atol=1e-4)


def test_a_strongest_tag_counts_from_the_start(start) -> None:
    assert start.network_.gain.tolist() == [0.5] * len(toys.TAGS)


@pytest.mark.parametrize("lacking", ["citations", "positives"])
def test_without_findings_or_both_labels_it_starts_at_the_share(
    encoder, toy_settings, lacking
) -> None:
    data = planted()
    if lacking == "citations":
        plain = (replace(s, citations=(), voice=Voice.OWN) for s in data.sentences)
        data = replace(data, sentences=tuple(plain))
    else:
        labels = np.where(np.isnan(data.labels), np.nan, np.minimum(data.labels, 0))
        data = replace(data, labels=labels.astype(np.float32))
    recipe = TransformerRecipe(encoder, replace(toy_settings, epochs=0)).fit(data)
    assert (recipe.network_.trust() == 0).all()
    share = np.nanmean(data.where(data.part == "train").column("named_source"))
    given = 1 / (1 + np.exp(-recipe.network_.vote.bias[NAMED_SOURCE].item()))
    assert given == pytest.approx(max(share, 0.001), rel=1e-3)


def test_training_moves_the_trust_of_sourcing_only(recipe, start) -> None:
    before, after = (r.network_.trust().detach().numpy() for r in (start, recipe))
    assert (after[FRAMING] == 0).all()
    assert np.abs(after[NAMED_SOURCE] - before[NAMED_SOURCE]).max() > 1e-3
    assert (recipe.network_.finding[FRAMING] == 0).all()


# --- swapped outlets ------------------------------------------------------------------------------


def test_what_is_found_follows_an_outlet_that_is_swapped(monkeypatch) -> None:
    from classifier.sources.registry.registry import Registry
    from classifier.values.outlet import Code, Control, Evidence, Holder, Name, Outlet
    from training.data import swaps

    control = Control(*(Holder.STATE,) * 3, Code.SC, None, Evidence("made up"))
    agency = Outlet("otag", "OTAG", names=(Name("OTAG"),), control=control)
    paper = Outlet("vesk-post", "Vesk Post", names=(Name("Vesk Post"),))
    registry = Registry(own={one.id: one for one in (agency, paper)})
    monkeypatch.setattr(swaps, "PHRASE_SHARE", 0.0)
    swap = swaps.Swap(registry, {}, share=1.0)
    column = FINDINGS.index("state_media")
    for outlet, was in ((agency, True), (paper, False)):
        text = f"{outlet.name} said so."
        cites = replace(NAMED, outlets=(outlet.id,), state_media=was)
        ministry = replace(NAMED, government=True)
        given = Sentence(text, 0, len(text), "a", 0, Voice.REPORTED, (cites, ministry))
        swapped, _ = swap.rename(given)
        before, after = findings([given, swapped])
        assert (before[column], after[column]) == (was, not was)
        others = np.arange(len(FINDINGS)) != column
        np.testing.assert_array_equal(before[others], after[others])
        kept = replace(given, text="It rained.")  # names nobody: nothing of it changes
        assert swap.rename(kept) == (kept, ())
