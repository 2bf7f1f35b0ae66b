"""Corpora of labelled sentences without their articles: one sentence, one article.

BABE, bias annotations by experts on US news; NewsSD-ENG, subjective and objective sentences of
English news; ClaimBuster, check-worthy sentences of US presidential debates; WikiWeasel, sentences
of Wikipedia with and without weasel phrases (CoNLL-2010 shared task).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

from classifier.values import Article, Unit
from training.corpora.corpus import card

BABE = card("babe")

_BIASED = {"Biased": 1.0, "Non-biased": 0.0}
_SUBJECTIVE = {"SUBJ": 1.0, "OBJ": 0.0}
# What is kept together where a file names no articles.
_ROWS = 20  # of NewsSD; about an article's worth of the sentences that were kept
_NUMBERS = 250  # of ClaimBuster's sentences; they run through the debates, a thousand in each
_BLOCKS = 200  # in each file of WikiWeasel; both run through Wikipedia in the same order

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


def _sentence(
    id: str, text: str, signal: str, label: float, outlet: str | None = None, url: str | None = None
) -> Article:
    units = (Unit(0, len(text), {signal: label}),)
    return Article(id=id, text=text, outlet=outlet, url=url, lang="en", units=units)


def read_babe(folder: Path) -> Iterator[Article]:
    """Read each labelled row, in the file's order."""
    for path in sorted(folder.glob(BABE.files[0])):
        # utf-8-sig: the published file begins with a byte order mark in some releases.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines, delimiter=";"), start=1):
                label, text = _BIASED.get(row["label_bias"]), row["text"].strip()
                if label is not None and text:
                    outlet, url = row["outlet"].strip() or None, row["news_link"].strip() or None
                    yield _sentence(f"{number:05d}", text, "biased_language", label, outlet, url)


def read_newssd(folder: Path) -> Iterator[Article]:
    """Read each row, in the files' order."""
    for part in ("train", "val"):
        with (folder / "english" / f"{part}.csv").open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines)):
                if text := row["Sentence"].strip():
                    id = f"{part}-{number // _ROWS:03d}/{number:04d}"
                    yield _sentence(id, text, "subjective", _SUBJECTIVE[row["Label"]])


def read_claimbuster(folder: Path) -> Iterator[Article]:
    """Read each sentence, in the order of the debates."""
    rows = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    for row in sorted(rows, key=lambda row: int(row["sentence_id"])):
        if text := row["text"].strip():
            number = int(row["sentence_id"])
            id = f"{number // _NUMBERS:03d}/{number:05d}"
            yield _sentence(id, text, "claim", float(row["label"]))


def plain(text: str) -> str:
    """Undo Penn Treebank escapes and spacing, so that a sentence reads like prose."""
    for pattern, replacement in _UNDO:
        text = pattern.sub(replacement, text)
    return text.strip()


def read_wikiweasel(folder: Path) -> Iterator[Article]:
    """Read each line; the certain ones first."""
    for kind, label in (("certain", 0.0), ("uncertain", 1.0)):
        path = folder / f"train_wikiweasel_{kind}_sentences.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if text := plain(line):
                id = f"{number * _BLOCKS // len(lines):03d}/{kind}-{number:04d}"
                yield _sentence(id, text, "vague_source", label)
