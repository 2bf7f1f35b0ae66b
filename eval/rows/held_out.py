"""The rows to judge by: held-out groups of the corpora, or a user's own labelled files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.bundles import Bundle, digest
from framescope.classifier.errors import BundleError, InputError
from framescope.classifier.records import Article
from framescope.training.data import Examples

FILE_PART = "test"
"""The part of every row of a user's file."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Examples with their parts; ``signature`` identifies them.

    Only sentences of articles with a row to judge by have the findings of
    `classifier.attribution.cited`.
    """

    examples: Examples
    signature: str


def held_out_of_corpora(
    root: Path | None, bundles: Sequence[Bundle], *, allow_other_split: bool
) -> HeldOut:
    """Split the corpora as the bundles say they were split, and check that it is the same split.

    ``root``: the folder of corpora; None for those that ship with the code. The first bundle's seed
    is used. ``allow_other_split``: accept a bundle made on another split, though it may have
    learned from the rows it is judged by; the signature says so.

    Raises
    ------
    BundleError
        When a bundle was made on another split, or doesn't say on which, unless allowed.
    CorpusError
        When a corpus is missing, or can't be read.
    """
    from framescope.classifier.outlets import load_registry
    from framescope.training.corpora import SHIPPED
    from framescope.training.data import REMOVED, TRAIN, build_examples, with_citations
    from framescope.training.data import assign_parts as assign

    seeds = [record["seed"] for bundle in bundles if (record := _split_of(bundle))]
    examples = build_examples(root, SHIPPED if root is None else None)
    split = assign(examples, seed=seeds[0]) if seeds else assign(examples)
    strangers = [bundle for bundle in bundles if not _made_on(bundle, split.held_out)]
    if strangers and not allow_other_split:
        record = _split_of(strangers[0])
        trained = f"on split {record['signature'][:12]}" if record else "on a split it doesn't name"
        raise BundleError(
            f"{strangers[0].path}: trained {trained}, not on {split.signature[:12]}: rows to judge "
            "by may be among those it learned from; retrain it on these corpora, or type "
            "--allow-other-split"
        )
    doubt = "".join(f", not the split of {bundle.name}" for bundle in strangers)
    # Training rows are never scored here; finding their citations would take a minute.
    kept_back = ~np.isin(split.examples.part, (TRAIN, REMOVED))
    articles = set(split.examples.article[kept_back].tolist())
    examples, _ = with_citations(split.examples, root, articles, load_registry())
    return HeldOut(examples, f"split {split.signature[:12]}{doubt}")


def _split_of(bundle: Bundle) -> Mapping[str, Any] | None:
    record = bundle.manifest.get("split")
    if not isinstance(record, Mapping) or type(record.get("seed")) is not int:
        return None
    return record if isinstance(record.get("signature"), str) else None


def _made_on(bundle: Bundle, held_out: Mapping[str, str]) -> bool:
    """Whether the same rows were kept back of each corpus that the bundle was trained on."""
    kept = (_split_of(bundle) or {}).get("held_out")
    if not isinstance(kept, Mapping):
        return False
    trained_on = {corpus.get("name") for corpus in bundle.manifest.get("corpora", ())}
    return all(kept.get(name) == found for name, found in held_out.items() if name in trained_on)


def held_out_of_files(paths: Sequence[Path]) -> HeldOut:
    """Read labelled files in the exchange format; each is a corpus, every row one to judge by.

    Labels are those of ``labels``, of sentences and of articles: spans alone label nothing, since
    a sentence without one may be either a no or not annotated.

    Raises `InputError` when a file is missing or holds an id twice, `CorpusError` when a line can't
    be read.
    """
    from framescope.classifier.outlets import load_registry
    from framescope.training.corpora import read_exchange
    from framescope.training.data import examples_of_articles

    plain = [path.name for path in paths]
    names = {path: path.name if plain.count(path.name) == 1 else str(path) for path in paths}
    file_of: dict[str, str] = {}

    def articles() -> Iterator[Article]:
        for path, name in names.items():
            if not path.is_file():
                raise InputError(path, "no such file; give a JSONL file in the exchange format")
            for article in read_exchange(path):
                identifier = f"{name}/{article.id}"
                if identifier in file_of:
                    twice = f"two articles have the id '{article.id}'; make ids unique"
                    raise InputError(path, twice)
                file_of[identifier] = name
                yield replace(article, id=identifier)

    examples = examples_of_articles("exchange", articles(), load_registry())
    corpus = [file_of[article.partition("/")[2]] for article in examples.article]
    total = hashlib.sha256("\n".join(digest(path) for path in names).encode()).hexdigest()
    part = np.full(len(examples), FILE_PART, dtype="<U13")
    examples = replace(examples, corpus=np.array(corpus, np.str_), part=part)
    return HeldOut(examples, f"files {total[:12]}")
