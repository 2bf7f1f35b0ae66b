"""A teacher labels what has no labels, and a student learns from it."""

# ruff: noqa: E402
from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import toys
from framescope.classifier.errors import TrainingError
from framescope.training.data import UNLABELLED, Examples
from framescope.training.transformer.finetune import TransformerRecipe
from framescope.training.transformer.lessons import Lessons
from framescope.training.transformer.run import Settings
from framescope.training.transformer.teacher import Teacher, label

LOADED = toys.SIGNALS.index("loaded_language")
SHORT = Settings(
    epochs=2, learning_rate=1e-3, head_learning_rate=1e-2, batch_tokens=128, max_tokens=64, seed=3
)
FEW = toys.examples(8)


def unlabelled(articles: int) -> Examples:
    """Toy articles that no example holds, without a label."""
    rows = toys.examples(articles, seed=77)
    sentences = tuple(replace(s, article_id=f"new/{s.article_id}") for s in rows.sentences)
    return replace(
        rows,
        sentences=sentences,
        labels=np.full_like(rows.labels, np.nan),
        spans=((),) * len(rows),
        corpus=np.full(len(rows), UNLABELLED),
        article=np.array([s.article_id for s in sentences]),
        part=np.full(len(rows), "train"),
    )


def ranked(recipe: TransformerRecipe) -> float:
    """How often a sentence with a planted word stands above one without."""
    new = toys.unseen(20)
    logits = recipe.logits(new)[:, LOADED]
    loaded = np.array([bool(toys.loaded_spans(s)) for s in new])
    return float((logits[loaded][:, None] > logits[~loaded][None, :]).mean())


def weights_differ(one: TransformerRecipe, other: TransformerRecipe) -> float:
    pairs = zip(one.network_.parameters(), other.network_.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


@pytest.fixture(scope="module")
def lessons(fine_tuned, tmp_path_factory) -> Lessons:
    folder = tmp_path_factory.mktemp("lessons")
    return label(fine_tuned, unlabelled(40), folder, vectors=True)


def without_techniques(rows: Examples) -> Examples:
    """Rows of which no technique is known: what a student can't learn from them."""
    labels = rows.labels.copy()
    labels[:, 1:3] = np.nan
    return replace(rows, labels=labels, spans=((),) * len(rows))


# --- labelling ------------------------------------------------------------------------------------


def test_a_teacher_says_of_each_row_what_it_thinks(fine_tuned, lessons) -> None:
    rows = lessons.rows
    said = np.concatenate([shard.logits for shard in lessons.shards]).astype(np.float32)
    columns = slice(0, 3)  # the last is pooled by article only when it is served
    exact = fine_tuned.logits(rows.sentences)
    # In bfloat16, and kept as float16.
    assert np.abs(said[:, columns] - exact[:, columns]).mean() < 0.05
    tokens = fine_tuned.read(rows)
    assert [len(shard.ids) for shard in lessons.shards] == [
        sum(len(tokens[row].ids) for row in part)
        for part in np.split(np.arange(len(rows)), [len(lessons.shards[0].logits)])
    ]
    first = lessons.shards[0]
    assert first.vectors(1).shape == (len(tokens[1].ids), lessons.width)
    assert first.ids[first.first[1] : first.first[2]].tolist() == tokens[1].ids


def test_what_is_labelled_is_not_labelled_again(fine_tuned, tmp_path) -> None:
    rows = unlabelled(40)

    def interrupt(done: int, total: int, line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label(fine_tuned, rows, tmp_path, progress=interrupt)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    told: list[int] = []
    label(fine_tuned, rows, tmp_path, progress=lambda done, *_: told.append(done))
    assert kept.stat().st_mtime_ns == before
    assert len(list(tmp_path.iterdir())) == len(told) == 2
    assert told[-1] == len(rows)


def test_other_rows_and_other_teachers_are_labelled_anew(fine_tuned, encoder, tmp_path) -> None:
    label(fine_tuned, unlabelled(8), tmp_path)
    (kept,) = tmp_path.iterdir()
    seen = {kept.stat().st_mtime_ns}
    label(fine_tuned, unlabelled(12), tmp_path)
    seen.add(kept.stat().st_mtime_ns)
    other = TransformerRecipe(encoder, replace(SHORT, epochs=0)).fit(FEW)
    label(other, unlabelled(12), tmp_path)
    assert len(seen | {kept.stat().st_mtime_ns}) == 3


def test_a_damaged_file_is_named(fine_tuned, tmp_path) -> None:
    label(fine_tuned, unlabelled(8), tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    with pytest.raises(TrainingError, match=f"{kept.name}: damaged .*delete it"):
        label(fine_tuned, unlabelled(8), tmp_path)


# --- learning -------------------------------------------------------------------------------------


def test_a_student_learns_what_only_its_teacher_knows(encoder, lessons, toy_settings) -> None:
    rows = without_techniques(toys.examples(40))
    chosen = replace(toy_settings, epochs=12, taught_passes=12.0, taught_weight=2.0)
    alone = TransformerRecipe(encoder, chosen).fit(rows)
    taught = TransformerRecipe(encoder, chosen, lessons=lessons).fit(rows)
    assert ranked(taught) > 0.9
    assert ranked(alone) < 0.7


@pytest.mark.slow
def test_a_student_learns_where_spans_are_from_its_teacher(encoder, lessons, toy_settings) -> None:
    rows = without_techniques(toys.examples(40))
    chosen = replace(toy_settings, epochs=12, taught_passes=12.0, taught_weight=2.0)
    taught = TransformerRecipe(encoder, chosen, lessons=lessons).fit(rows)
    new = [s for s in toys.unseen(20) if toys.loaded_spans(s)]
    packer = taught.packer_
    tokens = packer.tokenize_both(new)[0]
    batch = packer.batch(packer.pack(new, tokens), tokens)
    with torch.no_grad():
        embedded = taught.network_.embed(torch.from_numpy(batch.ids))
        _, tags = taught.network_(embedded, torch.from_numpy(batch.mask))
    hits = 0
    for b, row, start, end in batch.places.tolist():
        offsets = tokens[row].offsets[int(tags[b, start:end, 1].argmax())]
        (span,) = toys.loaded_spans(new[row])[:1]
        hits += span.start - new[row].start <= offsets[0] < span.end - new[row].start
    assert hits >= 0.8 * len(new)


def test_vectors_come_near_to_the_teachers(encoder, lessons) -> None:
    def distance(weight: float) -> float:
        chosen = replace(SHORT, epochs=4, taught_passes=4.0, hidden_weight=weight)
        recipe = TransformerRecipe(encoder, chosen, lessons=lessons).fit(FEW)
        assert recipe.network_.bridge is not None
        tokens = recipe.read(lessons.rows)
        passages = recipe.packer_.pack(lessons.rows.sentences[:5], tokens[:5])
        batch = recipe.packer_.batch(passages, tokens)
        with torch.no_grad():
            found = recipe.network_.vectors(
                recipe.network_.embed(torch.from_numpy(batch.ids)), torch.from_numpy(batch.mask)
            )
            b, row, start, end = batch.places[0].tolist()
            ours = recipe.network_.bridge(found[b, start:end])
            theirs = lessons.shards[0].vectors(row)
        return float((1 - torch.cosine_similarity(ours, theirs, dim=-1)).mean())

    assert distance(5.0) < 0.5 * distance(1e-9)


def test_interrupted_and_resumed_is_as_if_unbroken(encoder, lessons, tmp_path) -> None:
    unbroken = TransformerRecipe(encoder, SHORT, lessons=lessons).fit(FEW)

    def interrupt(done: int, total: int, line: str) -> None:
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TransformerRecipe(encoder, SHORT, tmp_path, interrupt, lessons=lessons).fit(FEW)
    told: list[int] = []
    resumed = TransformerRecipe(
        encoder, SHORT, tmp_path, lambda done, *_: told.append(done), lessons=lessons
    ).fit(FEW)
    assert told[0] == 10
    assert weights_differ(resumed, unbroken) == 0


def test_a_checkpoint_of_other_lessons_is_refused(encoder, lessons, tmp_path) -> None:
    once = replace(SHORT, epochs=1)
    TransformerRecipe(encoder, once, tmp_path, lessons=lessons).fit(FEW)
    with pytest.raises(TrainingError, match="other settings or data"):
        TransformerRecipe(encoder, once, tmp_path).fit(FEW)


@pytest.mark.parametrize("passes", [0.5, 1.0, 2.0])
def test_rows_are_read_as_often_as_set(encoder, lessons, passes) -> None:
    recipe = TransformerRecipe(encoder, replace(SHORT, taught_passes=passes), lessons=lessons)
    train = recipe.prepare(FEW)
    seen: list[int] = []
    recipe._run = lambda rows, tokens, epochs, labelled, held_out: seen.extend(
        row
        for epoch in epochs
        for batch in epoch
        for passage in batch
        for row in passage.rows
        if row >= labelled
    )
    recipe.fit(FEW)
    counts = np.bincount(np.array(seen) - len(train), minlength=len(lessons.rows))
    assert counts.sum() == pytest.approx(passes * len(lessons.rows), rel=0.02)
    assert counts.max() - counts.min() <= 1


# --- the whole ------------------------------------------------------------------------------------


def test_a_teacher_is_kept_and_taken_again(encoder, tmp_path) -> None:
    teacher = Teacher(encoder, SHORT, tmp_path / "kept")
    told: list[int] = []
    first = teacher.learn(FEW, None, lambda done, *_: told.append(done))
    steps = len(told)
    again = teacher.learn(FEW, None, lambda done, *_: told.append(done))
    assert steps == len(told) > 0
    assert weights_differ(first, again) == 0
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["network.safetensors"]
    with pytest.raises(TrainingError, match="other settings or data; delete it"):
        Teacher(encoder, replace(SHORT, seed=4), tmp_path / "kept").learn(FEW, None)
    (tmp_path / "kept" / "network.safetensors").write_bytes(b"rubbish")
    with pytest.raises(TrainingError, match=r"damaged .*delete it to start anew"):
        teacher.learn(FEW, None)


def test_another_vocabulary_is_refused_where_vectors_are_asked_for(encoder, tmp_path) -> None:
    other = Teacher(toys.make_encoder(tmp_path / "other", words=200), SHORT, tmp_path / "kept")
    with pytest.raises(TrainingError, match=f"{other.encoder}: its vocabulary is not"):
        other.check(encoder, replace(SHORT, hidden_weight=1.0))
    assert "no tokens" in (other.check(encoder, SHORT) or "")
    smaller = toys.make_encoder(tmp_path / "smaller", hidden=32)
    shutil.copyfile(encoder / "tokenizer.json", smaller / "tokenizer.json")
    same = Teacher(smaller, SHORT, tmp_path / "kept")
    assert same.check(encoder, replace(SHORT, hidden_weight=1.0)) is None


@pytest.mark.slow
def test_a_teacher_of_another_vocabulary_teaches_sentences(encoder, tmp_path, toy_settings) -> None:
    other = toys.make_encoder(tmp_path / "other", words=200)
    teacher = TransformerRecipe(other, toy_settings).fit(toys.examples(40))
    lessons = label(teacher, unlabelled(40), tmp_path / "kept")
    rows = without_techniques(toys.examples(40))
    chosen = replace(toy_settings, epochs=12, taught_passes=12.0, taught_weight=2.0)
    assert ranked(TransformerRecipe(encoder, chosen, lessons=lessons).fit(rows)) > 0.9


@pytest.mark.parametrize("damaged", ["teacher", "student"])
def test_a_damaged_folder_is_refused_before_anything_is_trained(encoder, tmp_path, damaged) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "tokenizer.json").write_bytes((encoder / "tokenizer.json").read_bytes())
    (bad / "config.json").write_text('{"model_type": "no-such-model"}')
    (bad / "model.safetensors").write_bytes(b"")
    teacher = Teacher(bad if damaged == "teacher" else encoder, SHORT, tmp_path / "kept")
    with pytest.raises(TrainingError, match=f"{bad}: no encoder to load there") as raised:
        teacher.check(bad if damaged == "student" else encoder, SHORT)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "kept").exists()


def test_the_card_says_who_taught_it(transformer_bundle) -> None:
    from framescope.classifier.bundles import read_manifest
    from framescope.training.runs.card import model_card

    manifest = dict(read_manifest(transformer_bundle))
    assert "teacher" not in model_card(manifest)
    told = {"encoder": {"name": "big", "sha256": "ab12"}, "sentences": 14803}
    settings = {**manifest["settings"], "teacher": told}
    card = model_card({**manifest, "settings": settings})
    assert "a teacher, big (SHA-256 `ab12`)" in card
    assert "14,803 sentences without labels" in card
