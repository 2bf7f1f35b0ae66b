"""A transformer learns what was planted, is repeatable, and resumes as if it had never stopped."""

# ruff: noqa: E402

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import toys
from framescope.classifier.errors import TrainingError
from framescope.classifier.models.passages import Packer, Tokens
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Sentence, Span
from framescope.training.transformer import TransformerTrainer, training
from framescope.training.transformer.encoder import choose_device, precision_of, read_tokenizer
from framescope.training.transformer.targets import Schedule, Targets, in_spans, marked, pool
from outlets import INVENTED
from safetensors.torch import load_file, save_file
from toys import SHORT, difference, ranked

TOY, FEW = toys.examples(), toys.examples(20)
VAGUE, ANY, LOADED, _ = range(4)


@pytest.fixture(scope="module")
def unbroken(encoder):
    """A short training, and what was told of it."""
    told: list[tuple[int, int, str]] = []
    trainer = TransformerTrainer(encoder, SHORT, progress=lambda *step: told.append(step))
    return trainer.fit(FEW), told


def test_learns_planted_words_though_every_row_lacks_labels(fine_tuned) -> None:
    new = toys.unseen(20)
    logits = toys.logits_of(fine_tuned, new)
    loaded = np.array([bool(toys.loaded_spans(s)) for s in new])
    vague = np.array([s.text.startswith("Observers") for s in new])
    assert fine_tuned.signals == toys.SIGNALS
    for column, positive in ((LOADED, loaded), (ANY, loaded), (VAGUE, vague)):
        assert ranked(logits[:, column], positive) > 0.95


def test_word_embeddings_stay_as_they_were_unless_set_free(encoder, unbroken) -> None:
    name = "embeddings.word_embeddings.weight"
    before = load_file(encoder / "model.safetensors")[name]
    assert torch.equal(unbroken[0].network.state_dict()[f"encoder.{name}"], before)
    free = SHORT.changed(epochs=1, freeze_embeddings=False)
    freed = TransformerTrainer(encoder, free).fit(FEW)
    assert not torch.equal(freed.network.state_dict()[f"encoder.{name}"], before)


def test_the_same_seed_gives_the_same_network_from_the_training_part_alone(
    encoder, unbroken
) -> None:
    labels = FEW.labels.copy()
    labels[FEW.part == "validation"] = 1 - labels[FEW.part == "validation"]
    again = TransformerTrainer(encoder, SHORT).fit(replace(FEW, labels=labels))
    assert difference(again, unbroken[0]) == 0
    assert again.identity(FEW) == unbroken[0].identity(FEW)
    other = TransformerTrainer(encoder, SHORT.changed(seed=4)).fit(FEW)
    assert difference(other, unbroken[0]) > 1e-3
    assert other.identity(FEW) != again.identity(FEW)


def test_rows_are_read_in_the_form_of_their_labels(encoder) -> None:
    """Sources by the type of outlet, framing with all outlets alike."""
    registry = Registry(own={one.id: one for one in INVENTED})
    few = TOY.where(np.r_[:5, len(TOY) - 5 : len(TOY)])
    named = tuple(replace(s, text=f"Vesk TV: {s.text}") for s in few.sentences)
    rows = replace(few, sentences=named, part=np.full(10, "train"))
    trainer = TransformerTrainer(encoder, SHORT, registry=registry)
    trainer.prepare(rows)
    neutral, typed, _ = trainer.packer.tokenize_both(named)
    sourced = ~np.isnan(rows.column("vague_source"))
    assert set(sourced.tolist()) == {True, False}
    read = trainer.read(rows)
    for row in range(10):
        assert read[row] == (typed if sourced[row] else neutral)[row]
    assert trainer.heads().placeholders


class KilledError(Exception):
    pass


def stopping(at: int, error: type[BaseException]):
    def progress(done: int, total: int, line: str) -> None:
        if done == at:
            raise error

    return progress


@pytest.mark.parametrize(
    ("error", "at", "resumed_from"),
    [(KeyboardInterrupt, 1, 1), (KeyboardInterrupt, 8, 8), (KilledError, 8, 6)],
)
def test_interrupted_and_resumed_is_as_if_unbroken(
    encoder, unbroken, tmp_path, error, at, resumed_from
) -> None:
    with pytest.raises(error):
        TransformerTrainer(encoder, SHORT, tmp_path, stopping(at, error), checkpoint_every=3).fit(
            FEW
        )
    told: list[int] = []
    resumed = TransformerTrainer(encoder, SHORT, tmp_path, lambda done, *_: told.append(done))
    assert difference(resumed.fit(FEW), unbroken[0]) == 0
    assert told[0] == resumed_from + 1


def test_a_scale_of_gradients_in_float16_is_resumed(encoder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(training, "precision_of", lambda device: torch.float16)
    whole = TransformerTrainer(encoder, SHORT).fit(FEW)
    with pytest.raises(KeyboardInterrupt):
        TransformerTrainer(encoder, SHORT, tmp_path, stopping(8, KeyboardInterrupt)).fit(FEW)
    assert difference(TransformerTrainer(encoder, SHORT, tmp_path).fit(FEW), whole) == 0


def test_a_gpu_computes_in_halves_that_it_is_made_for(monkeypatch) -> None:
    for generation, halves in ((9, torch.bfloat16), (7, torch.float16), (6, torch.float32)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, n=generation: (n, 0))
        assert precision_of(torch.device("cuda")) is halves


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
        TransformerTrainer(encoder, SHORT, tmp_path, checkpoint_every=3).fit(FEW)
    monkeypatch.undo()
    assert difference(TransformerTrainer(encoder, SHORT, tmp_path).fit(FEW), unbroken[0]) == 0


def test_a_finished_training_is_not_repeated(encoder, unbroken, tmp_path) -> None:
    TransformerTrainer(encoder, SHORT, tmp_path).fit(FEW)
    told: list[int] = []
    again = TransformerTrainer(encoder, SHORT, tmp_path, lambda done, *_: told.append(done))
    assert difference(again.fit(FEW), unbroken[0]) == 0
    assert told == []
    assert [step for step, _, _ in unbroken[1]] == [*range(1, unbroken[1][0][1] + 1)]
    again.discard_checkpoint()
    assert not any(tmp_path.parent.glob(f"{tmp_path.name}/*"))


def other_label(rows):
    labels = rows.labels.copy()
    labels[0, 1] = 1 - labels[0, 1]
    return replace(rows, labels=labels)


def other_text(rows):
    first = replace(rows.sentences[0], text=rows.sentences[0].text.replace("e", "a"))
    return replace(rows, sentences=(first, *rows.sentences[1:]))


@pytest.mark.parametrize(
    ("settings", "change", "hidden"),
    [({"tag_weight": 2.0}, None, 64), ({}, other_label, 64), ({}, other_text, 64), ({}, None, 32)],
)
def test_a_checkpoint_of_another_training_is_refused(
    encoder, tmp_path, settings, change, hidden
) -> None:
    once = SHORT.changed(epochs=1)
    TransformerTrainer(encoder, once, tmp_path / "run").fit(FEW)
    if hidden != 64:
        encoder = toys.make_encoder(tmp_path / encoder.name, hidden=hidden)  # of the same name
    rows = FEW if change is None else change(FEW)
    with pytest.raises(TrainingError, match="other settings or data; delete it, or choose another"):
        TransformerTrainer(encoder, once.changed(**settings), tmp_path / "run").fit(rows)


@pytest.fixture(scope="module")
def checkpoint(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    TransformerTrainer(encoder, SHORT.changed(epochs=1), folder).fit(FEW)
    return folder / "checkpoint.safetensors"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(b"\xff" * 4000),
        lambda path: save_file(load_file(path), path),
    ],
)
def test_a_damaged_checkpoint_is_one_clear_line(encoder, checkpoint, tmp_path, damage) -> None:
    path = shutil.copy(checkpoint, tmp_path)
    damage(Path(path))
    with pytest.raises(TrainingError) as raised:
        TransformerTrainer(encoder, SHORT.changed(epochs=1), tmp_path).fit(FEW)
    message = str(raised.value)
    assert message.startswith(f"{path}: damaged checkpoint (")
    assert message.endswith("; delete it to start anew")
    assert "\n" not in message


def watched(encoder, folder, losses: list[float], monkeypatch, **changes):
    """A trainer with these losses after its epochs, its curve, and its weights at each of them."""
    told: list[dict[str, float]] = []
    states: list[dict[str, torch.Tensor]] = []
    settings = SHORT.changed(**{"epochs": 8, "patience": 2, **changes})
    trainer = TransformerTrainer(
        encoder, settings, folder, curve=lambda step, of: told.append(dict(of))
    )

    def loss(*held_out: object) -> float:
        states.append({name: x.clone() for name, x in trainer.network.state_dict().items()})
        return losses[len(states) - 1]

    monkeypatch.setattr(trainer, "_loss_of", loss)
    return trainer, told, states


def test_training_stops_when_held_out_articles_gain_no_more(encoder, tmp_path, monkeypatch) -> None:
    losses = [0.5, 0.4, 0.6, 0.4]  # a tie is no gain
    trainer, told, states = watched(encoder, tmp_path, losses, monkeypatch)
    trainer.fit(FEW)
    assert [of["validation_loss"] for of in told if "validation_loss" in of] == losses
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, states[1][name]), name


def test_a_resumed_training_remembers_its_best_epoch(encoder, tmp_path, monkeypatch) -> None:
    whole, *_ = watched(encoder, tmp_path / "a", [0.3, 0.4, 0.5], monkeypatch)
    whole.fit(FEW)
    broken, told, _ = watched(encoder, tmp_path / "b", [0.3, 0.4, 0.5], monkeypatch)

    def stop(*_: object) -> None:
        if any("validation_loss" in of for of in told):
            raise KeyboardInterrupt

    broken.progress = stop
    with pytest.raises(KeyboardInterrupt):
        broken.fit(FEW)
    again, *_ = watched(encoder, tmp_path / "b", [0.4, 0.5], monkeypatch)
    assert difference(again.fit(FEW), whole) == 0


def edit(name: str, **changes: object):
    def damage(folder) -> None:
        record = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**record, **changes}))

    return damage


def cut_weights(folder) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "not a tokenizer"),
        (edit("tokenizer.json", post_processor=None), "no pair of special tokens"),
        (lambda folder: (folder / "config.json").unlink(), "no encoder to load there"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
        (cut_weights, "no encoder to load there"),
        (edit("config.json", num_hidden_layers=4), "it lacks encoder.layer.2"),
        (edit("config.json", hidden_size=32), "it lacks embeddings"),
    ],
)
def test_a_folder_without_a_whole_encoder_is_one_clear_line(
    encoder, tmp_path, damage, reason, capfd
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(encoder, folder)
    damage(folder)
    with pytest.raises(TrainingError, match=reason) as raised:
        TransformerTrainer(folder, SHORT).fit(FEW)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")  # the library would print a table


def test_what_can_not_be_learned_is_refused_at_once(encoder) -> None:
    with pytest.raises(TrainingError, match="no passages of 192 tokens; lower max_tokens"):
        TransformerTrainer(encoder, SHORT.changed(max_tokens=192)).fit(FEW)
    with pytest.raises(TrainingError, match="no training rows"):
        TransformerTrainer(encoder, SHORT).fit(FEW.where(FEW.part == "validation"))
    for name in ("no", "meta"):
        with pytest.raises(TrainingError, match=f"--device {name}: can't be used .*; give cpu"):
            choose_device(name)


@pytest.fixture(scope="module")
def table(encoder):
    packer = Packer(read_tokenizer(encoder), 64)
    tokens = packer.tokenize_both(FEW.sentences)[0]
    return tokens, packer.batch(packer.pack(FEW.sentences, tokens), tokens)


def outputs(batch) -> list[torch.Tensor]:
    torch.manual_seed(0)
    shape = batch.ids.shape
    found = [torch.randn(*shape, len(toys.SIGNALS)), torch.randn(*shape, len(toys.TAGS))]
    return [tensor.requires_grad_() for tensor in (*found, torch.randn(len(toys.TAGS)))]


def test_the_loss_is_the_mean_over_sentences_of_their_labelled_cells(table) -> None:
    tokens, batch = table
    rows = replace(FEW, labels=np.where(FEW.labels == 1, np.float32(0.7), FEW.labels))
    targets = Targets(rows, tokens, toys.TAGS, {"loaded_language": 3.0, "vague_source": 0.5}, 0.0)
    votes, tags, gain = outputs(batch)
    logits = np.zeros((len(FEW), 4))
    found = pool(votes, tags, gain, batch.places, targets.tag_columns).detach().numpy()
    logits[batch.places[:, 1]] = found
    p = 1 / (1 + np.exp(-logits))
    cells = -(rows.labels * np.log(p) + (1 - rows.labels) * np.log(1 - p))
    expected = np.nansum(cells * [0.5, 1.0, 3.0, 1.0]) / len(FEW)
    assert targets.loss(votes, tags, gain, batch).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("any_label", "loaded_label", "spans", "moved"),
    [
        (0.0, 1.0, False, (True, False)),  # a label without a span says nothing of tokens
        (np.nan, 0.0, True, (False, True)),  # each tag is masked by its own labels
    ],
)
def test_tokens_are_learned_where_their_spans_are_known(
    table, any_label, loaded_label, spans, moved
) -> None:
    tokens, batch = table
    labels = FEW.labels.copy()
    labels[:, ANY], labels[:, LOADED] = any_label, loaded_label
    rows = replace(FEW, labels=labels, spans=FEW.spans if spans else ((),) * len(FEW))
    assert (marked(rows, toys.TAGS) == moved).all()
    votes, tags, gain = outputs(batch)
    gain = gain.detach() * 0
    Targets(rows, tokens, toys.TAGS, {}, 1.0).loss(votes, tags, gain, batch).backward()
    for b, _, start, end in batch.places:
        assert tuple((tags.grad[b, start:end].abs().sum(dim=0) > 0).tolist()) == moved


def test_tokens_are_marked_by_the_spans_they_touch() -> None:
    sentence = Sentence("a vile scheme", 100, 113, "a", 0)
    tokens = Tokens([1, 2, 3, 4], [(0, 1), (2, 4), (4, 6), (7, 13)])
    marks = in_spans(sentence, tokens, [Span(103, 106, "loaded_language")], toys.TAGS)
    assert marks.tolist() == [[0, 0], [1, 1], [1, 1], [0, 0]]  # any technique counts as well
    other = in_spans(sentence, tokens, [Span(100, 101, "slogans")], toys.TAGS)
    assert other.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    own = in_spans(sentence, tokens, [Span(100, 101, "mine")], ("any_technique", "mine"))
    assert own[0].tolist() == [0, 1]  # a signal of somebody's own is no technique
    outside = [Span(90, 100, "loaded_language"), Span(113, 120, "loaded_language")]
    assert not in_spans(sentence, tokens, outside, toys.TAGS).any()


@pytest.fixture(scope="module")
def schedule(encoder):
    """Make a schedule of the toys with other shares, budget or seed."""
    packer = Packer(read_tokenizer(encoder), 64)
    tokens = packer.tokenize_both(TOY.sentences)[0]

    def make(budget: int = 200, seed: int = 1, **shares: float) -> Schedule:
        return Schedule(TOY, packer, tokens, shares, budget, seed)

    return make


def rows_of(epoch) -> Counter[int]:
    return Counter(row for batch in epoch for passage in batch for row in passage.rows)


def test_an_epoch_holds_every_row_once_within_budget_and_by_article(schedule) -> None:
    for number in range(3):
        epoch = schedule(budget=200).epoch(number)
        assert rows_of(epoch) == Counter(range(len(TOY)))
        for batch in epoch:
            assert len(batch) * max(p.length for p in batch) <= 200
            for passage in batch:
                assert len(set(TOY.article[list(passage.rows)])) == 1
                assert list(np.diff(passage.rows)) == [1] * (len(passage.rows) - 1)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0, 2.5])
def test_shares_are_respected_in_whole_articles(schedule, share) -> None:
    found = rows_of(schedule(exchange=share).epoch(0))
    of_sources = Counter(
        TOY.article[row] for row in found.elements() if TOY.corpus[row] == "exchange"
    )
    articles = len(set(TOY.article[TOY.corpus == "exchange"]))
    assert sum(of_sources.values()) == share * articles * 5
    assert set(of_sources.values()) <= {5 * int(share), 5 * -int(-share // 1)}
    others = sum(n for row, n in found.items() if TOY.corpus[row] == "house")
    assert others == (TOY.corpus == "house").sum()


def test_epochs_differ_mix_corpora_and_follow_the_seed(schedule) -> None:
    first = schedule().epoch(0)
    assert schedule().epoch(0) == first
    assert schedule().epoch(1) != first
    assert schedule(seed=2).epoch(0) != first
    halves = [set(rows_of(schedule(house=0.5).epoch(n))) for n in range(4)]
    assert len({frozenset(half) for half in halves}) > 1
    batches = schedule(budget=800).epoch(0)
    assert max(len({str(TOY.corpus[p.rows[0]]) for p in batch}) for batch in batches) == 2
