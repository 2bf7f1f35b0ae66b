"""Public corpora of single sentences: each is read as an article of its own."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framescope.classifier.records import Article, Unit
from framescope.training.corpora.corpus import Card, Corpus, by_block

_BABE_LABELS = {"Biased": 1.0, "Non-biased": 0.0}
_NEWSSD_LABELS = {"SUBJ": 1.0, "OBJ": 0.0}
_NEWSSD_BLOCK = 20  # rows; about as many sentences as were kept of an article
_CLAIMBUSTER_BLOCK = 250  # sentence numbers, of which a debate has about a thousand
_WIKIWEASEL_BLOCKS = 200  # in each file; both follow the order of Wikipedia's articles

# Penn Treebank escapes, then its spacing. Order matters: brackets and quotes before spaces.
_UNDO: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"-L[RSC]B-\s*-R[RSC]B-", ""),
        (r"-LRB- ?", "("),
        (r" ?-RRB-", ")"),
        (r"-LSB- ?", "["),
        (r" ?-RSB-", "]"),
        (r"-LCB- ?", "{"),
        (r" ?-RCB-", "}"),
        (r"``\s*", '"'),
        (r"\s*''", '"'),
        (r"(?<=\w) ` (?=\w{1,4}\b[^']*$)", "'"),  # an apostrophe inside a name
        (r"` ?", "'"),
        # A quotation whose opening mark was stuck to the word before it: novel' A Life', ...
        (r"(?<=[^\Ws])' ([^'\"]{1,60}[\w.!?])'(?=[\s.,;:)]|$)", r" '\1'"),
        (r" (?=(?:'(?:s|re|ve|ll|d|m)|n't)\b)", ""),
        (r" (?=[,;:.?!)]+['\"]*(?:\s|$))", ""),
        (r"(?<=[\w)])\((?=\w)", " ("),
        (r"\s+", " "),
    )
)


def _sentence(name: str, text: str, signal: str, label: float, **known: Any) -> Article:
    return Article(name, text, lang="en", units=(Unit(0, len(text), {signal: label}),), **known)


def _rows(path: Path, delimiter: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    # utf-8-sig: some releases begin with a byte order mark.
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from enumerate(csv.DictReader(lines, delimiter=delimiter))


def _read_babe(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("final_labels_SG2*.csv")):
        for number, row in _rows(path, ";"):
            label, text = _BABE_LABELS.get(row["label_bias"]), row["text"].strip()
            if label is not None and text:
                outlet, url = (row[name].strip() or None for name in ("outlet", "news_link"))
                known = {"outlet": outlet, "url": url}
                yield _sentence(f"{number + 1:05d}", text, "biased_language", label, **known)


def _read_newssd(folder: Path) -> Iterator[Article]:
    for part in ("train", "val"):
        for number, row in _rows(folder / "english" / f"{part}.csv"):
            if text := row["Sentence"].strip():
                name = f"{part}-{number // _NEWSSD_BLOCK:03d}/{number:04d}"
                yield _sentence(name, text, "subjective", _NEWSSD_LABELS[row["Label"]])


def plain(text: str) -> str:
    """Undo Penn Treebank escapes and spacing."""
    for pattern, replacement in _UNDO:
        text = pattern.sub(replacement, text)
    return text.strip()


def _read_wikiweasel(folder: Path) -> Iterator[Article]:
    for kind, label in (("certain", 0.0), ("uncertain", 1.0)):
        path = folder / f"train_wikiweasel_{kind}_sentences.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if text := plain(line):
                block = number * _WIKIWEASEL_BLOCKS // len(lines)
                yield _sentence(f"{block:03d}/{kind}-{number:04d}", text, "vague_source", label)


def _read_claimbuster(folder: Path) -> Iterator[Article]:
    rows = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    for row in sorted(rows, key=lambda row: int(row["sentence_id"])):
        if text := row["text"].strip():
            number = int(row["sentence_id"])
            name = f"{number // _CLAIMBUSTER_BLOCK:03d}/{number:05d}"
            yield _sentence(name, text, "claim", float(row["label"]))


BABE = Corpus(Card.of("babe", group=lambda article: article.url or article.id), _read_babe)
NEWSSD = Corpus(Card.of("newssd", group=by_block), _read_newssd)
WIKIWEASEL = Corpus(Card.of("wikiweasel", group=by_block), _read_wikiweasel)
CLAIMBUSTER = Corpus(Card.of("claimbuster", group=by_block), _read_claimbuster)
