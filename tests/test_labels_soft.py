"""What a label between 0 and 1 does: both recipes are drawn to it, and not to 0 or 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import toys
from framescope.classifier.records.article import Sentence
from framescope.training.baseline import BaselineTrainer
from framescope.training.data.examples import Examples
from framescope.training.recipes import BaselineSettings

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def examples(share: float, *, every: int = 1) -> Examples:
    """Articles of one claim, one rumour and one plain sentence; rumours are labelled `share`.

    One rumour in `every` is; the others are 0.
    """
    texts, labels = ("Fares rose.", "Perhaps the mayor fled.", "Good evening."), (1.0, share, 0.0)
    sentences, values = [], []
    for number in range(40):
        for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
            start = 100 * index
            sentences.append(Sentence(text, start, start + len(text), f"a{number}", index))
            values.append(label if index != 1 or number % every == 0 else 0.0)
    names = np.array([s.article_id for s in sentences])
    n = len(sentences)
    return Examples(
        sentences=tuple(sentences),
        labels=np.array(values, np.float32)[:, None],
        signals=("claim",),
        spans=((),) * n,
        citations=(None,) * n,
        corpus=np.full(n, "toy"),
        article=names,
        outlet=np.full(n, ""),
        group=names,
        part=np.full(n, "train"),
    )


def rumour(share: float, **more: int) -> float:
    settings = BaselineSettings(least=1, mixes=["words"], strengths=[10.0])
    model = BaselineTrainer(settings).fit(examples(share, **more)).model
    sentence = Sentence("Perhaps the mayor fled.", 0, 23, "new", 0)
    return float(model.predict_proba([sentence])[0, 0])


def test_the_baseline_gives_what_lies_between() -> None:
    found = [rumour(share) for share in SHARES]
    assert found == sorted(found)
    assert found[1] == pytest.approx(0.25, abs=0.1)
    assert found[2] == pytest.approx(0.5, abs=0.1)
    assert found[3] == pytest.approx(0.75, abs=0.1)


def test_a_half_on_all_is_as_good_as_a_yes_on_half_of_them() -> None:
    assert rumour(0.5) == pytest.approx(rumour(1.0, every=2), abs=0.05)


def test_labels_of_0_and_1_are_fitted_without_weights(monkeypatch) -> None:
    """So that a baseline of hard labels stays the same to the byte."""
    from sklearn.linear_model import LogisticRegression

    fit, weights = LogisticRegression.fit, []

    def watched(self, x, y, sample_weight=None):
        weights.append((x.shape[0], sample_weight))
        return fit(self, x, y, sample_weight)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    rumour(1.0)
    assert weights
    assert all(given is None for _, given in weights)
    weights.clear()
    rumour(0.25)
    rows, given = weights[-1]
    assert rows == 120 + 40, "each doubtful row stands twice"
    assert given.sum() == pytest.approx(120), "and counts as one"


# The transformer's loss


def least(soft: float) -> float:
    """Give the logit at which the loss of a sentence with one soft label is least."""
    torch = pytest.importorskip("torch")
    from framescope.classifier.models import Batch, Tokens
    from framescope.training.transformer.targets import Targets

    few = toys.examples(4)
    row = int(np.flatnonzero(~np.isnan(few.labels[:, 0]))[0])
    one = few.where(np.array([row]))
    one = replace(one, labels=np.array([[soft, np.nan, np.nan, np.nan]], np.float32))
    tokens = [Tokens((5,), ((0, 3),))]
    targets = Targets(one, tokens, (), {}, 0.0)
    batch = Batch(np.array([[5]]), np.array([[1]]), np.array([[0, 0, 0, 1]]))
    grid = np.linspace(-4, 4, 161)
    losses = []
    for logit in grid:
        votes = torch.full((1, 1, 4), float(logit))
        losses.append(targets.loss(votes, torch.zeros(1, 1, 0), torch.zeros(0), batch).item())
    return float(grid[int(np.argmin(losses))])


@pytest.mark.parametrize("soft", [0.2, 0.5, 0.67, 0.9])
def test_the_loss_of_the_transformer_is_least_at_the_label(soft) -> None:
    assert 1 / (1 + np.exp(-least(soft))) == pytest.approx(soft, abs=0.01)


def test_tokens_of_a_span_are_held_to_the_label_of_its_sentence() -> None:
    torch = pytest.importorskip("torch")
    from framescope.classifier.models import Tokens
    from framescope.training.transformer.targets import Targets, marked

    few = toys.examples(8)
    row = next(row for row, spans in enumerate(few.spans) if spans)
    one, span = few.where(np.array([row])), few.spans[row][0]
    start = span.start - one.sentences[0].start
    offsets = ((start, start + 1), (start + len("x"), start + 2))
    for label, known in ((1.0, True), (0.67, True), (0.33, False), (0.0, True)):
        labels = one.labels.copy()
        labels[:, 1:3] = label
        rows = replace(one, labels=labels, spans=one.spans if label else ((),))
        assert (marked(rows, toys.TAGS) == known).all()
        tags = Targets(rows, [Tokens((5, 6), offsets)], toys.TAGS, {}, 1.0).tags[0]
        if known:
            assert torch.allclose(tags, torch.full_like(tags, label))
        else:
            assert tags is None
