"""What a label between 0 and 1 does: both recipes are drawn to it, and not to 0 or 1."""

from dataclasses import replace

import numpy as np
import pytest
import toys
from framescope.classifier.records.article import Sentence
from framescope.training.baseline import BaselineTrainer
from framescope.training.recipes import BaselineSettings

TEXTS = ("Fares rose.", "Perhaps the mayor fled.", "Good evening.")


def rumour(share: float) -> float:
    """Fit articles of a claim, a rumour that is labelled `share`, and a greeting."""
    sentences = [
        Sentence(text, 100 * index, 100 * index + len(text), f"a{number}", index)
        for number in range(40)
        for index, text in enumerate(TEXTS)
    ]
    rows = toys.rows_of(sentences, np.array([[1.0], [share], [0.0]] * 40), ("claim",))
    settings = BaselineSettings(least=1, mixes=["words"], strengths=[10.0])
    model = BaselineTrainer(settings).fit(rows).model
    return float(model.predict([replace(sentences[1], article_id="new")]).proba[0, 0])


def test_the_baseline_gives_what_lies_between() -> None:
    found = [rumour(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert found == sorted(found)
    assert found[1:4] == pytest.approx([0.25, 0.5, 0.75], abs=0.1)


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


@pytest.mark.parametrize("soft", [0.2, 0.67])
def test_the_loss_of_the_transformer_is_least_at_the_label(soft) -> None:
    assert 1 / (1 + np.exp(-least(soft))) == pytest.approx(soft, abs=0.01)
