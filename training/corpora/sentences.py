"""Public corpora of single sentences: each is read as an article of its own."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

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


def _sentence(
    name: str,
    text: str,
    signal: str,
    label: float,
    outlet: str | None = None,
    url: str | None = None,
) -> Article:
    units = (Unit(0, len(text), {signal: label}),)
    return Article(name, text, outlet=outlet, url=url, lang="en", units=units)


def _rows(path: Path, delimiter: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    # utf-8-sig: some releases begin with a byte order mark.
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from enumerate(csv.DictReader(lines, delimiter=delimiter))


def _read_babe(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("final_labels_SG2*.csv")):
        for number, row in _rows(path, ";"):
            label, text = _BABE_LABELS.get(row["label_bias"]), row["text"].strip()
            if label is not None and text:
                outlet, url = row["outlet"].strip() or None, row["news_link"].strip() or None
                name = f"{number + 1:05d}"
                yield _sentence(name, text, "biased_language", label, outlet, url)


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


BABE = Corpus(
    Card(
        name="babe",
        title="BABE, bias annotations by experts (part of study group 2)",
        folder="babe",
        files=("final_labels_SG2*.csv",),
        url="https://github.com/Media-Bias-Group/Neural-Media-Bias-Detection-Using-Distant-Supervision-With-BABE",
        citation=(
            "Spinde, Plank, Krieger, Ruas, Gipp, Aizawa (2021). Neural Media Bias Detection Using "
            "Distant Supervision With BABE - Bias Annotations By Experts. Findings of EMNLP 2021. "
            "doi:10.18653/v1/2021.findings-emnlp.101"
        ),
        licence="AGPL-3.0",
        signals=("biased_language",),
        unit="a sentence, without its article",
        mapping=(
            "label_bias 'Biased' is 1 and 'Non-biased' 0 for biased_language; 'No agreement' is "
            "left out. Sentences are grouped by the page they come from (news_link). label_opinion "
            "is not used. The five annotators agree only moderately (alpha 0.40), and the "
            "sentences were picked by topic and outlet: half of them are biased, far more than in "
            "running news."
        ),
        digest="172a434f4bb8b917d346cb2d92a846514ed8be55a7efee80679a3f9a40c99aed",
        group=lambda article: article.url or article.id,
    ),
    _read_babe,
)
NEWSSD = Corpus(
    Card(
        name="newssd",
        title="NewsSD-ENG (training and validation parts)",
        folder="newssd-eng",
        files=("english/train.csv", "english/val.csv"),
        url="https://aclanthology.org/2024.lrec-main.25",
        citation=(
            "Antici, Ruggeri, Galassi, Korre, Muti, Bardi, Fedotova, Barrón-Cedeño (2024). A "
            "Corpus for Sentence-Level Subjectivity Detection on English News Articles. "
            "LREC-COLING 2024. ACL Anthology 2024.lrec-main.25"
        ),
        licence="CC BY 4.0",
        signals=("subjective",),
        unit="a sentence, without its article",
        mapping=(
            "SUBJ is 1 and OBJ 0 for subjective, conflicts as the authors solved them. The files "
            "name no article; their sentences stand in the order of the articles, so blocks of "
            "neighbours are kept together when the corpus is split."
        ),
        digest="c7436c6649ed6de46595575b65c69f2612b9d314b77e8912927f1f10df5f212d",
        group=by_block,
    ),
    _read_newssd,
)
WIKIWEASEL = Corpus(
    Card(
        name="wikiweasel",
        title="WikiWeasel, uncertain sentences of Wikipedia (as distributed with MUD)",
        folder="wikiweasel",
        files=(
            "train_wikiweasel_certain_sentences.txt",
            "train_wikiweasel_uncertain_sentences.txt",
        ),
        url="https://aclanthology.org/W10-3001",
        citation=(
            "Farkas, Vincze, Móra, Csirik, Szarvas (2010). The CoNLL-2010 Shared Task: Learning to "
            "Detect Hedges and their Scope in Natural Language Text. ACL Anthology W10-3001; files "
            "as distributed with MUD (Jean, Harispe, Ranwez, Bellot, Montmain, WIMS 2016)"
        ),
        licence="MIT",
        signals=("vague_source",),
        unit="a sentence, without its article",
        mapping=(
            "A sentence of the uncertain file is 1 for vague_source, of the certain file 0. Wider "
            "than the guidelines: weasel cues include vague sources ('it is believed', 'some "
            "argue') but also hedges and vague quantities that attribute nothing ('probably', "
            "'often', 'various'). Encyclopaedic prose, not news. Penn Treebank escapes and spacing "
            "are undone."
        ),
        digest="b9504aa1d1fddb33b8c291ae3a881720037af46292701824e6932b95ea9f3839",
        group=by_block,
        other_sense=("vague_source",),
    ),
    _read_wikiweasel,
)
CLAIMBUSTER = Corpus(
    Card(
        name="claimbuster",
        title="ClaimBuster, claim spotting in presidential debates (training file)",
        folder="claimbuster",
        files=("train.json",),
        url="https://github.com/idirlab/claimspotter",
        citation=(
            "Arslan, Hassan, Li, Tremayne (2020). A Benchmark Dataset of Check-Worthy Factual "
            "Claims. ICWSM 2020. doi:10.1609/icwsm.v14i1.7346"
        ),
        licence="GPL-3.0",
        signals=("claim",),
        unit="a sentence of a debate, without its neighbours",
        mapping=(
            "1 (check-worthy factual sentence) is 1 for claim, 0 is 0. Narrower than the "
            "guidelines: the zeros hold opinions, wishes, questions and pleasantries, but also "
            "factual sentences that are merely not worth a check, which the guidelines count as "
            "claims. A model trained on it under-reports plain claims. Speech, not news. Three "
            "zeros to one, by construction."
        ),
        digest="4285f392691e3f05bdd68f3737e242110274dba3e9781b3e87be01e1109baee3",
        group=by_block,
        other_sense=("claim",),
    ),
    _read_claimbuster,
)
