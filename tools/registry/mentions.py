"""Fit the weights of the features of a name in running text to labelled names.

Two kinds of labels lie in ``hand/mentions``: sentences written for it (``written.jsonl``: a text,
and the names in it that mean an outlet), and names met in articles (``read.tsv``: article, place,
and 1 or 0), whose text isn't here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from framescope.classifier.inputs import split_sentences
from framescope.classifier.outlets import Registry, load_registry, shipped_tables
from framescope.classifier.outlets.registry.folding import Folded
from framescope.classifier.outlets.registry.names import NameKnown, features
from framescope.classifier.records import Article
from framescope.training.corpora.articles import root_folder
from framescope.training.corpora.standoff import TEXTS

from tools.registry.material import EvidenceError, rows_by_hand

_COLUMNS = ("collection", "article", "start", "end", "label")
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
"""Of the penalty, as scikit-learn's ``C``; the best by cross-validation is taken."""
_Places = dict[str, dict[tuple[int, int], bool]]  # by article, where a name stands: its label
_LABELS = Path(__file__).parent / "hand" / "mentions"
_FOLDS = 10
_SEEN = 2  # times that a feature is met at least; one met once says what its row says
_LEAST = 0.005  # weights nearer to zero are left out


@dataclass(frozen=True)
class Met:
    """A name that was met: its features, whether it means an outlet, and the text it stood in."""

    features: tuple[str, ...]
    means: bool
    group: str


@dataclass(frozen=True)
class Fitted:
    """Weights, and how well unseen texts were judged by the same recipe, cross-validated."""

    weights: Mapping[str, float]
    names: int
    texts: int
    strength: float
    precision: float
    recall: float


def labelled(corpora: Path | None = None) -> list[Met]:
    """Read all labels, as the registry that ships meets the names."""
    registry = load_registry()
    return [
        *read_written(_LABELS / "written.jsonl", registry),
        *read_articles(_LABELS / "read.tsv", root_folder(corpora), registry),
    ]


def read_written(path: Path, registry: Registry) -> Iterator[Met]:
    """Read sentences written for it, each name that is met in them once."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            text, names = row["text"], row["mentions"]
        except (ValueError, KeyError, TypeError):
            raise EvidenceError(f"{path}:{number}: is no text with its mentions") from None
        spans = _places(text, names)
        if spans is None:
            raise EvidenceError(f"{path}:{number}: a mention isn't in the text")
        for start, stop, told in _candidates(text, registry):
            means = any(start < other and first < stop for first, other in spans)
            yield Met(told, means, f"{path.name}:{number}")


def _places(text: str, names: Sequence[str]) -> list[tuple[int, int]] | None:
    found, after = [], 0
    for name in names:
        at = text.find(name, after)
        at = text.find(name) if at < 0 else at
        if at < 0:
            return None
        found.append((at, at + len(name)))
        after = at + len(name)
    return found


def read_articles(path: Path, root: Path, registry: Registry) -> Iterator[Met]:
    """Read names met in articles of the collections beside the corpora, each in its sentence."""
    labels: dict[str, _Places] = defaultdict(lambda: defaultdict(dict))
    for where, row in rows_by_hand(path.parent, path.name, _COLUMNS):
        if row["collection"] not in TEXTS or row["label"] not in ("0", "1"):
            raise EvidenceError(f"{where}: is no label of a name in a known collection")
        place = (int(row["start"]), int(row["end"]))
        labels[row["collection"]][row["article"]][place] = row["label"] == "1"
    for collection, wanted in labels.items():
        for id, text in TEXTS[collection].read(TEXTS[collection].file(root)):
            if id in wanted:
                yield from _in_article(Article(id, text), wanted.pop(id), registry)
        if wanted:
            raise EvidenceError(
                f"{path}: {len(wanted)} articles of {collection} aren't there: {min(wanted)} ..."
            )


def _in_article(
    article: Article, wanted: Mapping[tuple[int, int], bool], registry: Registry
) -> Iterator[Met]:
    for sentence in split_sentences(article):
        if any(sentence.start <= start and end <= sentence.end for start, end in wanted):
            for start, stop, told in _candidates(sentence.text, registry):
                place = (sentence.start + start, sentence.start + stop)
                if place in wanted:
                    yield Met(told, wanted[place], article.id)


def _candidates(text: str, registry: Registry) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return every name in a text, names within others too: start, end, features."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    place = Folded(text)

    def note(folded: str, start: int, stop: int, known: NameKnown) -> bool:
        end = place.origin(stop - 1) + 1
        found.append((place.origin(start), end, tuple(features(folded, start, stop, known))))
        return False  # so that names within this one are met too

    for _ in registry.names.met(text, note):
        pass
    return found


def fit(rows: Sequence[Met], say: Callable[[str], None] = lambda line: None) -> Fitted:
    """Fit the weights; the strength of the penalty by cross-validation over texts."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    seen = Counter(feature for row in rows for feature in set(row.features))
    names = DictVectorizer(dtype=np.float32)
    matrix = names.fit_transform(
        [{one: 1.0 for one in row.features if seen[one] >= _SEEN} for row in rows]
    )
    truth = np.array([row.means for row in rows])
    groups = np.array([row.group for row in rows])
    tried = {}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=5000, fit_intercept=False)
        chance = cross_val_predict(
            model, matrix, truth, groups=groups, cv=GroupKFold(_FOLDS), method="predict_proba"
        )[:, 1]
        loss = -np.log(np.where(truth, chance, 1 - chance).clip(1e-9)).mean()
        tried[strength] = (float(loss), chance)
        say(f"C {strength:g}: log loss {loss:.4f}")
    strength = min(tried, key=lambda one: tried[one][0])
    said = tried[strength][1] >= 0.5
    right = float((said & truth).sum())
    model = LogisticRegression(C=strength, max_iter=5000, fit_intercept=False).fit(matrix, truth)
    weights = {
        str(name): round(float(weight), 4)
        for name, weight in zip(names.get_feature_names_out(), model.coef_[0], strict=True)
        if abs(weight) >= _LEAST
    }
    return Fitted(
        weights, len(rows), len(set(groups)), strength, right / said.sum(), right / truth.sum()
    )


def write(fitted: Fitted, path: Path | None = None) -> Path:
    """Write the weights, into the package when no path is given; gives the path."""
    path = path or shipped_tables() / "mentions.tsv"
    rows = (f"{feature}\t{weight:g}" for feature, weight in sorted(fitted.weights.items()))
    title = f"# framescope registry mentions, version {load_registry().version}"
    path.write_text("\n".join((title, "feature\tweight", *rows)) + "\n", encoding="utf-8")
    return path
