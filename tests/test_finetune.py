# ruff: noqa: E402
from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import toys
from framescope.classifier.errors import TrainingError
from framescope.classifier.models.passages import Batch, Packer, Tokens
from framescope.classifier.records.article import Sentence, Span
from framescope.training.transformer.encoder import read_tokenizer
from framescope.training.transformer.finetune import TransformerRecipe
from framescope.training.transformer.run import Settings
from framescope.training.transformer.targets import Schedule, Targets, in_spans, marked, pool

SHORT = Settings(
    epochs=2, learning_rate=1e-3, head_learning_rate=1e-2, batch_tokens=128, max_tokens=64, seed=3
)
FEW = toys.examples(12)


def weights(recipe: TransformerRecipe) -> dict[str, torch.Tensor]:
    return recipe.network_.state_dict()


def difference(a: TransformerRecipe, b: TransformerRecipe) -> float:
    """The largest between two networks' weights."""
    one, other = weights(a), weights(b)
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.fixture(scope="module")
def unbroken(encoder):
    """A short run, and its loss at each step."""
    told: list[tuple[int, int, str]] = []
    recipe = TransformerRecipe(encoder, SHORT, progress=lambda *step: told.append(step)).fit(FEW)
    return recipe, told


# --- what is learned ------------------------------------------------------------------------------


def logits_of(recipe: TransformerRecipe, sentences) -> np.ndarray:
    packer = recipe.packer_
    tokens = packer.tokenize_both(sentences)[0]
    batch = packer.batch(packer.pack(sentences, tokens), tokens)
    columns = [recipe.signals_.index(tag) for tag in recipe.tags_]
    with torch.no_grad():
        embedded = recipe.network_.embed(torch.from_numpy(batch.ids))
        votes, tags = recipe.network_(embedded, torch.from_numpy(batch.mask))
        return pool(votes, tags, recipe.network_.gain, batch.places, columns).numpy()


def ranked(scores: np.ndarray, positive: np.ndarray) -> float:
    """How often a positive stands above a negative (the area under the ROC curve)."""
    return float((scores[positive][:, None] > scores[~positive][None, :]).mean())


def test_learns_planted_words_though_every_row_lacks_labels(fine_tuned) -> None:
    new = toys.unseen(20)
    logits = logits_of(fine_tuned, new)
    loaded = np.array([bool(toys.loaded_spans(s)) for s in new])
    vague = np.array([s.text.startswith("Observers") for s in new])
    assert fine_tuned.signals_ == toys.SIGNALS
    assert ranked(logits[:, toys.SIGNALS.index("loaded_language")], loaded) > 0.95
    assert ranked(logits[:, toys.SIGNALS.index("any_technique")], loaded) > 0.95
    assert ranked(logits[:, toys.SIGNALS.index("vague_source")], vague) > 0.95


def test_learns_where_the_planted_words_stand(fine_tuned) -> None:
    new = [s for s in toys.unseen(20) if toys.loaded_spans(s)]
    packer = fine_tuned.packer_
    tokens = packer.tokenize_both(new)[0]
    batch = packer.batch(packer.pack(new, tokens), tokens)
    with torch.no_grad():
        embedded = fine_tuned.network_.embed(torch.from_numpy(batch.ids))
        _, tags = fine_tuned.network_(embedded, torch.from_numpy(batch.mask))
    hits = 0
    for b, row, start, end in batch.places:
        inside = in_spans(new[row], tokens[row], toys.loaded_spans(new[row]), toys.TAGS)
        hits += inside[int(tags[b, start:end, 1].argmax()), 1]
    assert hits >= 0.9 * len(new)


def test_votes_start_at_the_share_of_their_signal(encoder) -> None:
    recipe = TransformerRecipe(encoder, replace(SHORT, epochs=0)).fit(FEW)
    train = FEW.where(FEW.part == "train")
    shares = np.nanmean(train.labels, axis=0)
    found = torch.sigmoid(recipe.network_.vote.bias.detach()).numpy()
    np.testing.assert_allclose(found, shares, atol=1e-5)


def test_word_embeddings_stay_as_they_were_unless_set_free(encoder, unbroken) -> None:
    from safetensors.torch import load_file

    name = "embeddings.word_embeddings.weight"
    before = load_file(encoder / "model.safetensors")[name]
    assert torch.equal(weights(unbroken[0])[f"encoder.{name}"], before)
    free = replace(SHORT, epochs=1, freeze_embeddings=False)
    freed = TransformerRecipe(encoder, free).fit(FEW)
    assert not torch.equal(weights(freed)[f"encoder.{name}"], before)


def test_only_the_training_part_is_read(encoder, unbroken) -> None:
    labels = FEW.labels.copy()
    labels[FEW.part == "validation"] = 1 - labels[FEW.part == "validation"]
    again = TransformerRecipe(encoder, SHORT).fit(replace(FEW, labels=labels))
    assert difference(again, unbroken[0]) == 0


# --- repeatable, interrupted, resumed -------------------------------------------------------------


def test_the_same_seed_gives_the_same_network_and_another_does_not(encoder, unbroken) -> None:
    assert difference(TransformerRecipe(encoder, SHORT).fit(FEW), unbroken[0]) == 0
    other = TransformerRecipe(encoder, replace(SHORT, seed=4)).fit(FEW)
    assert difference(other, unbroken[0]) > 1e-3


def test_progress_counts_every_step_once(unbroken) -> None:
    told = unbroken[1]
    total = told[0][1]
    assert [done for done, _, _ in told] == list(range(1, total + 1))
    assert {of for _, of, _ in told} == {total}
    assert all(line.startswith("fine-tuning, loss ") for _, _, line in told)


@pytest.mark.parametrize("step", [1, 8])
def test_interrupted_and_resumed_is_as_if_unbroken(encoder, unbroken, tmp_path, step) -> None:
    def interrupt(done: int, total: int, line: str) -> None:
        if done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TransformerRecipe(encoder, SHORT, tmp_path, interrupt).fit(FEW)
    told: list[int] = []
    resumed = TransformerRecipe(encoder, SHORT, tmp_path, lambda done, *_: told.append(done))
    resumed.fit(FEW)
    assert told[0] == step + 1  # not from the beginning
    assert difference(resumed, unbroken[0]) == 0


def test_killed_without_warning_it_resumes_from_the_last_checkpoint(
    encoder, unbroken, tmp_path
) -> None:
    class KilledError(Exception):
        pass

    def kill(done: int, total: int, line: str) -> None:
        if done == 8:
            raise KilledError

    with pytest.raises(KilledError):
        TransformerRecipe(encoder, SHORT, tmp_path, kill, checkpoint_every=3).fit(FEW)
    told: list[int] = []
    resumed = TransformerRecipe(encoder, SHORT, tmp_path, lambda done, *_: told.append(done))
    assert difference(resumed.fit(FEW), unbroken[0]) == 0
    assert told[0] == 7


def test_interrupted_within_an_update_the_checkpoint_before_stands(
    encoder, unbroken, tmp_path, monkeypatch
) -> None:
    original, calls = torch.optim.AdamW.step, Counter[str]()

    def half(self, *arguments):
        calls["step"] += 1
        if calls["step"] == 8:
            self.param_groups[0]["params"][0].data += 1
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", half)
    with pytest.raises(KeyboardInterrupt):
        TransformerRecipe(encoder, SHORT, tmp_path, checkpoint_every=3).fit(FEW)
    monkeypatch.undo()
    assert difference(TransformerRecipe(encoder, SHORT, tmp_path).fit(FEW), unbroken[0]) == 0


def test_a_finished_run_is_not_trained_again(encoder, unbroken, tmp_path) -> None:
    TransformerRecipe(encoder, SHORT, tmp_path).fit(FEW)
    told: list[int] = []
    again = TransformerRecipe(encoder, SHORT, tmp_path, lambda done, *_: told.append(done))
    assert difference(again.fit(FEW), unbroken[0]) == 0
    assert told == []
    again.discard_checkpoint()
    assert not tmp_path.exists() or not list(tmp_path.iterdir())


@pytest.mark.parametrize("other", ["settings", "labels", "texts"])
def test_a_checkpoint_of_other_settings_or_data_is_refused(encoder, tmp_path, other) -> None:
    once = replace(SHORT, epochs=1)
    TransformerRecipe(encoder, once, tmp_path).fit(FEW)
    settings, data = once, FEW
    if other == "settings":
        settings = replace(once, tag_weight=2.0)
    elif other == "labels":
        labels = FEW.labels.copy()
        labels[0, 1] = 1 - labels[0, 1]
        data = replace(FEW, labels=labels)
    else:
        first = replace(FEW.sentences[0], text=FEW.sentences[0].text.replace("e", "a"))
        data = replace(FEW, sentences=(first, *FEW.sentences[1:]))
    with pytest.raises(TrainingError, match="other settings or data"):
        TransformerRecipe(encoder, settings, tmp_path).fit(data)


def test_a_checkpoint_of_another_encoder_is_refused(encoder, tmp_path) -> None:
    once = replace(SHORT, epochs=1)
    TransformerRecipe(encoder, once, tmp_path / "run").fit(FEW)
    wider = toys.make_encoder(tmp_path / "toy-encoder", hidden=32)  # of the same name
    with pytest.raises(TrainingError, match="other settings or data"):
        TransformerRecipe(wider, once, tmp_path / "run").fit(FEW)


def test_a_checkpoint_in_the_way_is_an_error_not_a_new_run(encoder, tmp_path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"rubbish")
    with pytest.raises(TrainingError, match="damaged checkpoint"):
        TransformerRecipe(encoder, SHORT, tmp_path).fit(FEW)


# --- what can't be trained on ---------------------------------------------------------------------


def _no_tokenizer(folder) -> None:
    (folder / "tokenizer.json").unlink()


def _broken_tokenizer(folder) -> None:
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')


def _bare_tokenizer(folder) -> None:
    record = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**record, "post_processor": None}))


def _no_config(folder) -> None:
    (folder / "config.json").unlink()


def _no_weights(folder) -> None:
    (folder / "model.safetensors").unlink()


def _cut_weights(folder) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def _lacking_weights(folder) -> None:
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**record, "num_hidden_layers": 4}))


def _other_weights(folder) -> None:
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**record, "hidden_size": 32}))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_no_tokenizer, "no tokenizer.json"),
        (_broken_tokenizer, "not a tokenizer"),
        (_bare_tokenizer, "no pair of special tokens"),
        (_no_config, "no encoder to load there"),
        (_no_weights, "no model.safetensors"),
        (_cut_weights, "no encoder to load there"),
        (_lacking_weights, "it lacks encoder.layer.2"),
        (_other_weights, "it lacks embeddings"),
    ],
)
def test_a_folder_without_a_whole_encoder_is_one_clear_line(
    encoder, tmp_path, damage, reason, capfd
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(encoder, folder)
    damage(folder)
    with pytest.raises(TrainingError, match=reason) as raised:
        TransformerRecipe(folder, SHORT).fit(FEW)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")  # the library would print a table


def test_passages_that_are_too_long_for_the_encoder_are_refused_at_once(encoder) -> None:
    with pytest.raises(TrainingError, match="no passages of 192 tokens; lower max_tokens"):
        TransformerRecipe(encoder, replace(SHORT, max_tokens=192)).fit(FEW)


def test_no_training_rows_is_an_error(encoder) -> None:
    with pytest.raises(TrainingError, match="no training rows"):
        TransformerRecipe(encoder, SHORT).fit(FEW.where(FEW.part == "validation"))


# --- targets: masked ------------------------------------------------------------------------------


def outputs(batch: Batch, seed: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    shape = batch.ids.shape
    found = [torch.randn(*shape, len(toys.SIGNALS)), torch.randn(*shape, len(toys.TAGS))]
    return [tensor.requires_grad_() for tensor in (*found, torch.randn(len(toys.TAGS)))]


@pytest.fixture(scope="module")
def table(encoder):
    packer = Packer(read_tokenizer(encoder), 64)
    tokens = packer.tokenize_both(FEW.sentences)[0]
    return packer, tokens, packer.batch(packer.pack(FEW.sentences, tokens), tokens)


def test_cells_without_a_label_have_no_gradient(table) -> None:
    _, tokens, batch = table
    targets = Targets(FEW, tokens, toys.TAGS, {}, 1.0)
    votes, tags, gain = outputs(batch)
    targets.loss(votes, tags, gain, batch).backward()
    for b, row, start, end in batch.places:
        known = ~np.isnan(FEW.labels[row])
        gradient = votes.grad[b, start:end].abs().sum(dim=0).numpy()
        assert (gradient[~known] == 0).all()
        assert (gradient[known] > 0).all()
        assert (tags.grad[b, start:end].abs().sum() > 0) == known[1]
    assert (votes.grad[:, 0] == 0).all()  # special tokens take no part


def test_the_loss_is_the_mean_over_sentences_of_their_labelled_cells(table) -> None:
    _, tokens, batch = table
    weights = {"loaded_language": 3.0, "vague_source": 0.5}
    targets = Targets(FEW, tokens, toys.TAGS, weights, 0.0)
    votes, tags, gain = outputs(batch)
    logits = np.zeros((len(FEW), 4))
    found = pool(votes, tags, gain, batch.places, targets.tag_columns).detach().numpy()
    logits[batch.places[:, 1]] = found
    p = 1 / (1 + np.exp(-logits))
    cells = -(FEW.labels * np.log(p) + (1 - FEW.labels) * np.log(1 - p))
    expected = np.nansum(cells * [0.5, 1.0, 3.0, 1.0]) / len(FEW)
    loss = targets.loss(votes, tags, gain, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_tokens_is_that_of_marked_rows_by_their_share(table) -> None:
    _, tokens, batch = table
    votes, tags, gain = outputs(batch)
    with_tags, without = (
        Targets(FEW, tokens, toys.TAGS, {}, weight).loss(votes, tags, gain, batch).item()
        for weight in (2.0, 0.0)
    )
    cells, marked = [], 0
    for b, row, start, end in batch.places:
        if np.isnan(FEW.labels[row, 1]):
            continue
        marked += 1
        inside = in_spans(FEW.sentences[row], tokens[row], FEW.spans[row], toys.TAGS)
        p = 1 / (1 + np.exp(-tags[b, start:end].detach().numpy().astype(float)))
        cells.append(-np.where(inside, np.log(p), np.log(1 - p)))
    expected = 2.0 * np.concatenate(cells).mean() * marked / len(FEW)
    assert with_tags - without == pytest.approx(expected, rel=1e-4)


def test_other_rows_do_not_change_what_a_corpus_without_the_signal_teaches(table) -> None:
    packer, _, _ = table
    sources = FEW.where(FEW.corpus == "exchange")
    filled = np.where(np.isnan(sources.labels), np.float32(1), sources.labels)
    # The gradient of the one column it labels is the same whatever stands in the others.
    gradients = []
    for labels in (sources.labels, filled):
        rows = replace(sources, labels=labels)
        tokens = packer.tokenize_both(rows.sentences)[0]
        batch = packer.batch(packer.pack(rows.sentences, tokens), tokens)
        votes, tags, gain = outputs(batch)
        targets = Targets(rows, tokens, toys.TAGS, {}, 1.0)
        targets.loss(votes, tags, gain, batch).backward()
        gradients.append(votes.grad[:, :, 0])
    assert torch.equal(*gradients)


def test_tokens_are_marked_by_the_spans_they_touch() -> None:
    sentence = Sentence("a vile scheme", 100, 113, "a", 0)
    tokens = Tokens([1, 2, 3, 4], [(0, 1), (2, 4), (4, 6), (7, 13)])
    marks = in_spans(sentence, tokens, [Span(103, 106, "loaded_language")], toys.TAGS)
    assert marks.tolist() == [[0, 0], [1, 1], [1, 1], [0, 0]]  # any technique counts as well
    other = in_spans(sentence, tokens, [Span(100, 101, "slogans")], toys.TAGS)
    assert other.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    outside = [Span(90, 100, "loaded_language"), Span(113, 120, "loaded_language")]
    assert not in_spans(sentence, tokens, outside, toys.TAGS).any()


def test_a_sentence_without_tokens_is_pooled_to_zero() -> None:
    places = np.array([[0, 0, 1, 3], [0, 1, 3, 3], [0, 2, 3, 4]])
    votes = torch.tensor([[[9.0], [1.0], [3.0], [5.0], [9.0]]])
    tags = torch.tensor([[[9.0], [-2.0], [-1.0], [4.0], [9.0]]])
    found = pool(votes, tags, torch.tensor([0.5]), places, [0])
    assert found.tolist() == [[2.0 - 0.5], [0.0], [5.0 + 2.0]]


def test_a_label_without_a_span_says_nothing_of_tokens(table) -> None:
    """A corpus may say that a sentence has a technique, and mark where others are only."""
    _, tokens, batch = table
    labels = FEW.labels.copy()
    spans = tuple(() for _ in FEW.spans)
    column = FEW.signals.index("loaded_language")
    labels[:, column] = 1.0
    labels[:, FEW.signals.index("any_technique")] = 0.0
    rows = replace(FEW, labels=labels, spans=spans)
    known = marked(rows, toys.TAGS)
    assert known[:, toys.TAGS.index("any_technique")].all()
    assert not known[:, toys.TAGS.index("loaded_language")].any()
    votes, tags, _ = outputs(batch)
    gain = torch.zeros(len(toys.TAGS))
    Targets(rows, tokens, toys.TAGS, {}, 1.0).loss(votes, tags, gain, batch).backward()
    for b, _, start, end in batch.places:
        moved = tags.grad[b, start:end].abs().sum(dim=0)
        assert moved[toys.TAGS.index("any_technique")] > 0
        assert moved[toys.TAGS.index("loaded_language")] == 0


def test_each_tag_is_masked_by_its_own_labels(table) -> None:
    """Not by those of the first: a corpus may mark some techniques and leave out others."""
    _, tokens, batch = table
    labels = FEW.labels.copy()
    labels[:, FEW.signals.index("any_technique")] = np.nan
    labels[:, FEW.signals.index("loaded_language")] = 0.0
    rows = replace(FEW, labels=labels)
    votes, tags, _ = outputs(batch)
    gain = torch.zeros(len(toys.TAGS))
    Targets(rows, tokens, toys.TAGS, {}, 1.0).loss(votes, tags, gain, batch).backward()
    for b, _, start, end in batch.places:
        moved = tags.grad[b, start:end].abs().sum(dim=0)
        assert moved[toys.TAGS.index("any_technique")] == 0
        assert moved[toys.TAGS.index("loaded_language")] > 0


def test_rows_are_read_in_the_form_of_their_labels(encoder, toy_settings) -> None:
    """Sources by the type of outlet, framing with all outlets alike."""
    from framescope.classifier.outlets.registry.registry import Registry
    from framescope.classifier.records.outlet import Name, Outlet
    from framescope.classifier.records.statements import About, Code, Evidence, Statement

    said = (Statement(About.CODE, Code.SC, Evidence("made up")),)
    agency = Outlet("otag", "OTAG", names=(Name("OTAG"),), statements=said)
    paper = Outlet("vesk-post", "Vesk Post", names=(Name("Vesk Post"),))
    registry = Registry(own={one.id: one for one in (agency, paper)})
    toy = toys.examples()
    few = toy.where(np.r_[:5, len(toy) - 5 : len(toy)])
    named = tuple(replace(s, text=f"OTAG: {s.text}") for s in few.sentences)
    rows = replace(few, sentences=named, part=np.full(10, "train"))
    recipe = TransformerRecipe(encoder, replace(toy_settings, epochs=1), registry=registry)
    recipe.fit(rows)
    neutral, typed, _ = recipe.packer_.tokenize_both(named)
    sourced = ~np.isnan(rows.column("vague_source"))
    read = recipe.read(rows)
    assert sourced.any()
    assert not sourced.all()
    for row in range(10):
        assert read[row] == (typed if sourced[row] else neutral)[row]
    assert recipe.heads().placeholders
    other = tuple(replace(s, text=s.text.replace("OTAG", "Vesk Post")) for s in named)
    columns = [toys.SIGNALS.index(name) for name in ("any_technique", "hyperpartisan")]
    np.testing.assert_array_equal(
        recipe.logits(named)[:, columns], recipe.logits(other)[:, columns]
    )
    vague = toys.SIGNALS.index("vague_source")
    assert (recipe.logits(named)[:, vague] != recipe.logits(other)[:, vague]).all()


# --- schedule -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schedule(encoder):
    """Make a schedule of the toys with other shares, budget or seed."""
    packer = Packer(read_tokenizer(encoder), 64)
    toy = toys.examples()
    tokens = packer.tokenize_both(toy.sentences)[0]

    def make(budget: int = 200, seed: int = 1, **shares: float) -> Schedule:
        return Schedule(toy, packer, tokens, shares, budget, seed)

    return make


def rows(epoch) -> Counter[int]:
    return Counter(row for batch in epoch for passage in batch for row in passage.rows)


def test_an_epoch_holds_every_row_once(schedule) -> None:
    for number in range(3):
        found = rows(schedule().epoch(number))
        assert found == Counter(range(len(toys.examples())))


def test_batches_keep_to_the_budget_and_passages_to_one_article(schedule) -> None:
    toy = toys.examples()
    for batch in schedule(budget=200).epoch(0):
        assert len(batch) * max(p.length for p in batch) <= 200
        for passage in batch:
            assert len(set(toy.article[list(passage.rows)])) == 1
            assert list(np.diff(passage.rows)) == [1] * (len(passage.rows) - 1)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0, 2.0, 2.5])
def test_shares_are_respected_in_whole_articles(schedule, share) -> None:
    toy = toys.examples()
    found = rows(schedule(exchange=share).epoch(0))
    of_sources = Counter(toy.article[row] for row in found.elements()
                         if toy.corpus[row] == "exchange")  # fmt: skip
    articles = len(set(toy.article[toy.corpus == "exchange"]))
    assert sum(of_sources.values()) == share * articles * 5
    assert all(count % 5 == 0 for count in of_sources.values())
    assert set(of_sources.values()) <= {5 * int(share), 5 * -int(-share // 1)}
    others = sum(n for row, n in found.items() if toy.corpus[row] == "house")
    assert others == (toy.corpus == "house").sum()


def test_epochs_differ_and_follow_the_seed(schedule) -> None:
    first = schedule().epoch(0)
    assert schedule().epoch(0) == first
    assert schedule().epoch(1) != first
    assert schedule(seed=2).epoch(0) != first


def test_a_part_of_a_corpus_is_another_part_in_each_epoch(schedule) -> None:
    halves = [set(rows(schedule(house=0.5).epoch(n))) for n in range(4)]
    assert len({frozenset(half) for half in halves}) > 1


def test_corpora_are_mixed(schedule) -> None:
    toy = toys.examples()
    mixed = [
        len({str(toy.corpus[p.rows[0]]) for p in batch}) for batch in schedule(budget=800).epoch(0)
    ]
    assert max(mixed) == 2
