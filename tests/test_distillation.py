"""A teacher labels what has no labels, and a student learns from it."""

import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
import toys
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import KIND_COLUMNS, LINK_COLUMNS, ROLE_COLUMNS
from framescope.training.data import Examples
from framescope.training.transformer import (
    DistillationTargets,
    Teacher,
    TransformerTrainer,
    in_spans,
    make_targets,
    without_labels,
)
from framescope.training.transformer.targets import DistillationLoss, Targets
from toys import SHORT, difference

ANY, LOADED = 1, 2  # of the signals of toys
FEW = toys.examples(8)


def unlabelled(articles: int) -> Examples:
    """Toy articles that no example holds, without a label."""
    rows = toys.examples(articles, seed=77)
    sentences = tuple(replace(s, article_id=f"new/{s.article_id}") for s in rows.sentences)
    names = np.array([s.article_id for s in sentences])
    return without_labels(replace(rows, sentences=sentences, article=names))


def ranked(trainer: TransformerTrainer) -> float:
    new = toys.unseen(20)
    loaded = np.array([bool(toys.loaded_spans(s)) for s in new])
    return toys.ranked(toys.logits_of(trainer, new)[:, LOADED], loaded)


@pytest.fixture(scope="module")
def targets(fine_tuned, tmp_path_factory) -> DistillationTargets:
    folder = tmp_path_factory.mktemp("targets")
    return make_targets(fine_tuned, unlabelled(40), folder)


def test_targets_are_the_teachers_outputs(fine_tuned, targets) -> None:
    rows, given = targets.rows, targets.outputs
    tokens = fine_tuned.read(rows)
    exact = toys.logits_of(fine_tuned, rows.sentences, tokens)
    # In bfloat16, and kept as float16.
    assert np.abs(given["logits"].astype(np.float32) - exact).mean() < 0.05
    sizes = [len(one.ids) for one in tokens]
    assert np.diff(given["first"]).tolist() == sizes
    assert given["ids"].tolist() == [token for one in tokens for token in one.ids]
    assert given["tags"].shape == (sum(sizes), len(toys.TAGS))


def test_rows_are_labelled_once_until_rows_or_teacher_are_others(
    fine_tuned, encoder, tmp_path
) -> None:
    def interrupt(done: int, total: int, line: str) -> None:
        raise KeyboardInterrupt

    first = tmp_path / "00000.safetensors"
    with pytest.raises(KeyboardInterrupt):
        make_targets(fine_tuned, unlabelled(40), tmp_path, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == [first.name]
    written = first.stat().st_mtime_ns
    told: list[int] = []
    make_targets(fine_tuned, unlabelled(40), tmp_path, progress=lambda n, *_: told.append(n))
    assert first.stat().st_mtime_ns == written
    assert told == [160, 200]
    seen = {first.read_bytes()}
    make_targets(fine_tuned, unlabelled(12), tmp_path)
    seen.add(first.read_bytes())
    other = TransformerTrainer(encoder, SHORT.changed(epochs=0)).fit(FEW)
    make_targets(other, unlabelled(12), tmp_path)
    assert len(seen | {first.read_bytes()}) == 3
    first.write_bytes(first.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"00000\.safetensors: damaged .*delete it"):
        make_targets(other, unlabelled(12), tmp_path)


def told(student, targets, make) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The loss of outputs that `make` makes against targets, as of a teacher that cites."""
    tokens, count = student.read(targets.rows), len(targets.outputs["ids"])
    batch = student.packer.batch(student.packer.pack(targets.rows.sentences, tokens), tokens)
    cited = (("roles", ROLE_COLUMNS), ("kinds", KIND_COLUMNS))
    made = {name: np.eye(count, size, dtype=np.float16) for name, size in cited}
    targets = replace(targets, outputs={**targets.outputs, **made})
    sizes = len(student.signals), len(student.tags), ROLE_COLUMNS, LINK_COLUMNS, KIND_COLUMNS
    outputs = [make(*batch.ids.shape, size) for size in sizes]
    ours = DistillationLoss(targets, 0, tokens, [ANY, LOADED], torch.ones(4), student.settings)
    return ours.loss(outputs, make(2), batch), outputs


def test_what_is_ignored_is_not_learned_and_all_else_as_before(fine_tuned, targets) -> None:
    ignored = np.zeros((len(targets.rows), len(toys.SIGNALS) + 1), np.bool_)
    ignored[:, [LOADED, -1]] = True
    pulls = []
    for given in (targets, replace(targets, ignored=ignored)):
        torch.manual_seed(0)
        loss, (votes, tags, roles, _, kinds) = told(
            fine_tuned, given, partial(torch.randn, requires_grad=True)
        )
        loss.backward()
        pulls.append((*votes.grad.unbind(-1), *tags.grad.unbind(-1), roles.grad, kinds.grad))
    # Four signals, two tags, roles and kinds.
    kept = [True, True, False, True, True, False, False, False]
    for whole, found, stays in zip(*pulls, kept, strict=True):
        assert whole.any()
        assert torch.equal(found, whole) if stays else found is None or not found.any()


def test_losses_are_computed_on_the_device_of_the_outputs(fine_tuned, targets) -> None:
    tokens = fine_tuned.read(FEW)
    batch = fine_tuned.packer.batch(fine_tuned.packer.pack(FEW.sentences, tokens), tokens)
    # As on a GPU, of which no number is read: this device has none.
    make = partial(torch.zeros, device="meta")
    votes, tags = (make(*batch.ids.shape, size) for size in (4, 2))
    assert Targets(FEW, tokens, toys.TAGS, {}, 1.0).loss(votes, tags, make(2), batch).is_meta
    assert told(fine_tuned, targets, make)[0].is_meta


def test_a_student_learns_what_only_its_teacher_knows(encoder, targets, toy_settings) -> None:
    rows = toys.examples(12)
    labels = rows.labels.copy()
    labels[:, 1:3] = np.nan
    rows = replace(rows, labels=labels, spans=((),) * len(rows))
    chosen = toy_settings.changed(epochs=8, taught_passes=8.0, taught_weight=2.0)
    student = TransformerTrainer(encoder, chosen, targets=targets).fit(rows)
    alone = TransformerTrainer(encoder, toy_settings.changed(epochs=2)).fit(rows)
    assert ranked(student) > 0.9
    assert ranked(alone) < 0.7
    new = [s for s in toys.unseen(20) if toys.loaded_spans(s)]
    tokens, batch, _, tags = toys.outputs_of(student, new)
    inside, scores = [], []
    for b, row, start, end in batch.places.tolist():
        marks = in_spans(new[row], tokens[row], toys.loaded_spans(new[row]), toys.TAGS)
        inside += marks[:, 1].tolist()
        scores += tags[b, start:end, 1].tolist()
    assert toys.ranked(np.array(scores), np.array(inside)) > 0.8, "it learns where spans are"


def test_a_teacher_is_kept_and_taken_again(encoder, tmp_path) -> None:
    teacher = Teacher(encoder, SHORT, tmp_path / "kept")
    told: list[int] = []
    first = teacher.learn(FEW, None, lambda done, *_: told.append(done))
    steps = len(told)
    again = teacher.learn(FEW, None, lambda done, *_: told.append(done))
    assert steps == len(told) > 0
    assert difference(first, again) == 0
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["network.safetensors"]
    with pytest.raises(TrainingError, match="other settings or data; delete it"):
        Teacher(encoder, SHORT.changed(seed=4), tmp_path / "kept").learn(FEW, None)
    (tmp_path / "kept" / "network.safetensors").write_bytes(b"rubbish")
    with pytest.raises(TrainingError, match=r"damaged .*delete it to start anew"):
        teacher.learn(FEW, None)


def test_another_vocabulary_teaches_sentences_alone(encoder, tmp_path) -> None:
    other = Teacher(toys.make_encoder(tmp_path / "other", words=200), SHORT, tmp_path / "kept")
    assert "no tokens" in (other.check(encoder) or "")
    smaller = toys.make_encoder(tmp_path / "smaller", hidden=32)
    shutil.copyfile(encoder / "tokenizer.json", smaller / "tokenizer.json")
    assert Teacher(smaller, SHORT, tmp_path / "kept").check(encoder) is None
    (smaller / "model.safetensors").unlink()
    for one, student in ((smaller, encoder), (encoder, smaller)):  # before anything is trained
        with pytest.raises(TrainingError, match=f"{smaller}: no encoder to load there"):
            Teacher(one, SHORT, tmp_path / "kept").check(student)
    assert not (tmp_path / "kept").exists()
