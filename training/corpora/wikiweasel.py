"""WikiWeasel: Wikipedia sentences with and without weasel phrases (CoNLL-2010 shared task)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from framescope.classifier.records import Article, Unit
from framescope.training.corpora.corpus import Card, by_block

CARD = Card(
    name="wikiweasel",
    title="WikiWeasel, uncertain sentences of Wikipedia (as distributed with MUD)",
    folder="wikiweasel",
    files=("train_wikiweasel_certain_sentences.txt", "train_wikiweasel_uncertain_sentences.txt"),
    url="https://aclanthology.org/W10-3001",
    citation=(
        "Farkas, Vincze, Móra, Csirik, Szarvas (2010). The CoNLL-2010 Shared Task: Learning to "
        "Detect Hedges and their Scope in Natural Language Text. ACL Anthology W10-3001; files as "
        "distributed with MUD (Jean, Harispe, Ranwez, Bellot, Montmain, WIMS 2016)"
    ),
    licence="MIT",
    language="en",
    signals=("vague_source",),
    unit="a sentence, without its article",
    mapping=(
        "A sentence of the uncertain file is 1 for vague_source, of the certain file 0. Wider than "
        "the guidelines: weasel cues include vague sources ('it is believed', 'some argue') but "
        "also hedges and vague quantities that attribute nothing ('probably', 'often', 'various'). "
        "Encyclopaedic prose, not news. Penn Treebank escapes and spacing are undone."
    ),
    digest="b9504aa1d1fddb33b8c291ae3a881720037af46292701824e6932b95ea9f3839",
    group=by_block,
    other_sense=("vague_source",),
)

BLOCKS = 200  # in each file; both run through Wikipedia's articles in the same order

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


def plain(text: str) -> str:
    """Undo Penn Treebank escapes and spacing, so that a sentence reads like prose."""
    for pattern, replacement in _UNDO:
        text = pattern.sub(replacement, text)
    return text.strip()


def read(folder: Path) -> Iterator[Article]:
    """Read each line as an article of one sentence; the certain ones first."""
    for kind, label in (("certain", 0.0), ("uncertain", 1.0)):
        path = folder / f"train_wikiweasel_{kind}_sentences.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            text = plain(line)
            if not text:
                continue
            yield Article(
                id=f"{number * BLOCKS // len(lines):03d}/{kind}-{number:04d}",
                text=text,
                lang="en",
                units=(Unit(0, len(text), {"vague_source": label}),),
            )
