"""The articles of a run as arrays.

A text counts once, however often it stands in the run. Of a long run a sample is read, the same
each time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading import open_run
from framescope.classifier.batch.schema import VERSION
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.rows import Bools, Floats, Single
from numpy.typing import NDArray

UNKNOWN = "unknown"
"""The outlet of a page that names none."""

_WORD = re.compile(r"[^\W\d_]{2,}(?:['’][^\W\d_]+)?")
_ARTICLES = """
    WITH texts AS (
        SELECT * FROM published WHERE note IS NULL
        QUALIFY row_number() OVER (PARTITION BY text_digest ORDER BY article_id) = 1
    )
    SELECT *, publisher IS NOT NULL OR author_outlet IS NOT NULL AS registered,
        (SELECT count(*) FROM texts) AS total
    FROM texts ORDER BY hash(article_id), article_id LIMIT {limit}"""

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class RunArticles:
    """The articles of a run, n of them, and their sentences, m.

    ``total``: distinct texts in the run, of which n were read. ``outlet``, ``registered``,
    ``distance`` (NaN where unknown), ``far``, ``digest``: of each article. ``article``, ``place``
    of shape (m, 2), ``texts``: of each sentence. ``scores``: by signal, of shape (m,), or (n,) for
    a signal of whole articles; NaN where not scored.
    """

    name: str
    manifest: Mapping[str, Any]
    total: int
    outlet: NDArray[np.str_]
    outlet_names: Mapping[str, str]
    registered: Bools
    distance: Floats
    far: Bools
    digest: list[str]
    article: Rows
    place: Rows
    texts: list[str]
    scores: Mapping[str, Single]

    def __len__(self) -> int:
        return len(self.outlet)

    @property
    def bundle(self) -> tuple[str, str]:
        """Name and digest of the bundle that scored the run."""
        model = self.manifest["model"]
        return str(model.get("name")), str(model.get("digest") or "")

    @cached_property
    def words(self) -> list[Counter[str]]:
        """How often each word stands in each article, in lower case."""
        found: list[Counter[str]] = [Counter() for _ in range(len(self))]
        for article, text in zip(self.article.tolist(), self.texts, strict=True):
            found[article].update(_WORD.findall(text.lower()))
        return found


def is_of_articles(signal: str) -> bool:
    """Whether a signal is one of whole articles."""
    return signal in BY_NAME and BY_NAME[signal].level is Level.ARTICLE


def read_articles(path: Path, limit: int) -> RunArticles:
    """Read at most `limit` articles of a run; raises a `RunError` when it can't be read."""
    folder = RunFolder(path)
    manifest = folder.manifest()
    if manifest.get("schema", VERSION) != VERSION:
        reason = f"its tables are of version {manifest.get('schema')}, not of {VERSION}"
        raise RunError(f"{path}: {reason}; run the batch again with this framescope")
    if not manifest.get("finished"):
        resume = f"framescope batch --output {path} --resume"
        raise RunError(f"{path}: is not finished; resume it: {resume}")
    signals = manifest["signals"]
    scored = "".join(f', s."{name}"' for name in signals if not is_of_articles(name))
    chosen = _ARTICLES.format(limit=limit)
    with open_run(folder) as database:
        articles = database.table(f"SELECT * FROM ({chosen}) ORDER BY article_id")
        sentences = database.table(
            f'SELECT s.article_id, s."start", s."end", s.text{scored} FROM sentences s '
            f"SEMI JOIN ({chosen}) USING (article_id) ORDER BY article_id, sentence"
        )
    keys, outlets = articles["article_id"].to_numpy(), articles["outlet_key"].to_pylist()
    return RunArticles(
        name=path.name or str(path),
        manifest=manifest,
        total=next(iter(articles["total"].to_pylist()), 0),
        outlet=np.array(outlets, np.str_),
        outlet_names=dict(zip(outlets, articles["outlet"].to_pylist(), strict=True)),
        registered=np.array(articles["registered"].to_pylist(), np.bool_),
        distance=_numbers(articles["distance"]),
        far=np.array(articles["far"].fill_null(False).to_pylist(), np.bool_),
        digest=articles["text_digest"].to_pylist(),
        article=np.searchsorted(keys, sentences["article_id"].to_numpy()),
        place=np.stack([sentences[end].to_numpy() for end in ("start", "end")], axis=1),
        texts=sentences["text"].fill_null("").to_pylist(),
        scores={
            name: _numbers((articles if is_of_articles(name) else sentences)[name]).astype("f4")
            for name in signals
        },
    )


def _numbers(column: Any) -> Floats:
    found: Floats = column.cast("double").fill_null(float("nan")).to_numpy()
    return found
