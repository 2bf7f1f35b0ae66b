"""Whom ambiguous pronouns mean: the choice of speakers on GAP's validation part.

Over both names of each text, by the pronoun's gender (Webster et al., 2018,
doi:10.1162/tacl_a_00240), of the choice that a model makes among all who are named before, or
leaves open.
"""

from pathlib import Path

import numpy as np
from framescope.classifier.attribution import Names, cited, gender_of
from framescope.classifier.attribution.phrases import parse
from framescope.classifier.bundles import Bundle
from framescope.classifier.inputs import split_sentences
from framescope.classifier.models import Referents, SpeakerScorer, TransformerModel
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, fold
from framescope.eval.metrics import estimates_of_sums, ratio
from framescope.eval.rows import Floats
from framescope.eval.sections import Cell, Table, table
from framescope.training.corpora import GAP, GAP_VALIDATION, read_gap


def of_pronouns(bundle: Bundle, root: Path | None, draws: int, seed: int) -> Table | None:
    """Judge a bundle by GAP; None where the corpus isn't there, or it resolves no pronouns."""
    place = GAP.place(root)
    model, path = bundle.model, place / GAP_VALIDATION if place is not None else None
    if path is None or not path.is_file() or not isinstance(model, TransformerModel):
        return None
    chosen = (model.heads.fusion or {}).get("speakers")
    if not chosen:
        return None
    scorer, registry = SpeakerScorer.from_record(chosen), bundle.registry or load_registry()
    counts, feminine = list[list[int]](), list[bool]()
    for one in read_gap(path):
        article = Article(one.name, one.text, lang="en")
        sentences = cited(article, split_sentences(article), registry)
        plain = fold(one.text)
        names = Names(plain, sentences, registry.mentions(plain))
        words = one.text[one.pronoun.start : one.pronoun.end]
        refer = Referents(plain, sentences, model.encode(sentences).links, scorer)
        found = refer(one.pronoun, parse(words), [], names)
        meant = [] if found is None else found.mentions
        said = [
            any(m.start < name.end and name.start < m.end for m in meant) for name, _ in one.names
        ]
        truth = [is_meant for _, is_meant in one.names]
        counts.append([sum(map(int.__mul__, said, truth)), sum(said), sum(truth)])
        feminine.append(gender_of((words.lower(),)) == "f")
    sums, of_women = np.array(counts, np.float64), np.array(feminine)

    def scores(total: Floats) -> Floats:
        right, found, marked = total.T
        return np.stack([ratio(right, found), right / marked, 2 * right / (found + marked)], 1)

    rows = {"all": of_women | True, "feminine": of_women, "masculine": ~of_women}
    lines = list[tuple[Cell, ...]]()
    for name, which in rows.items():
        if n := int(which.sum()):
            figures = estimates_of_sums(sums[which], scores, draws=draws, seed=seed)
            lines.append((name, n, *figures))
    columns = ("pronouns", "n", "precision", "recall", "F1")
    return table("Ambiguous pronouns (GAP, validation)", columns, lines)
