"""Corpora in other languages: subjectivity, quotations, attributions, techniques, and the house's.

What their labels mean, and where they differ from the guidelines, their cards say. Rhetorical
structure and FactNews mark no source or cue by itself, so only German articles have citations.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from framescope.classifier.inputs import split_sentences
from framescope.classifier.records import Article, MarkedCitation, Place, Sentence, Span, Unit
from framescope.classifier.taxonomy import SHIPPED, TECHNIQUES, in_order
from framescope.training.corpora import articles
from framescope.training.corpora.articles import Card, Corpus, lone_sentence, read_rows
from framescope.training.corpora.polnear import clipped

# A field that was quoted as CSV quotes it: marks inside are doubled.
_FIELD = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


def _read_checkthat(folder: Path) -> Iterator[Article]:
    for language in sorted(path.name[:2] for path in folder.glob("*-train.tsv")):
        learned: set[str] = set()
        for part in ("train", "dev", "dev_test"):
            path = folder / f"{language}-{part}.tsv"
            for number, row in read_rows(path, "\t", quoting=csv.QUOTE_NONE):
                text = row["sentence"].strip()
                if _FIELD.fullmatch(text):
                    text = text[1:-1].replace('""', '"').strip()
                if not text or (part == "dev_test" and text in learned):
                    continue
                learned.add(text)
                label = articles.SUBJECTIVITY[row["label"]]
                name = f"{part}/{language}-{number:04d}"
                yield lone_sentence(name, text, {"subjective": label}, language)


_DOCUMENT = re.compile(r"(\d+) - (.*?)(?: \((\d{4}-\d\d-\d\d)\))?\Z", re.DOTALL)


def _read_wikinews(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("*/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        number, title, date = _DOCUMENT.findall(record["documentName"])[0]
        name, text = f"{path.parent.name}/{number}", record["originalText"]
        bare = Article(name, text, title=title, date=date or None, lang="de")
        found = [(one["type"] == "Direct", _citation(one, text)) for one in record["annotations"]]
        units = (_unit_with(sentence, found) for sentence in split_sentences(bare))
        yield replace(bare, units=tuple(units))


def _citation(record: Mapping[str, Any], text: str) -> MarkedCitation:
    """Return a quotation with the words of its speaker and its cue taken out of it."""
    speaker, cues, content = (
        [Place(one["charBegin"], one["charEnd"]) for one in record[role]["spans"]]
        for role in ("speaker", "cue", "quote")
    )
    source = _whole(speaker, [*cues, *content])
    cue = _whole(_outside(cues, source, text), [*speaker, *content])
    content = _outside(_outside(content, source, text), cue, text)
    return MarkedCitation(source, cue, tuple(sorted(content, key=lambda one: one.start)))


def _outside(places: Sequence[Place], hole: Place | None, text: str) -> list[Place]:
    """Return what of some places lies outside another, without white space at its ends."""
    at = hole or Place(0, 0)
    halves = [(one.start, min(one.end, at.start)) for one in places]
    halves += [(max(one.start, at.end), one.end) for one in places]
    found = [(start, text[start:end]) for start, end in halves if text[start:end].strip()]
    begun = [(start + len(words) - len(words.lstrip()), words.strip()) for start, words in found]
    return [Place(start, start + len(words)) for start, words in begun]


def _whole(pieces: Sequence[Place], others: Sequence[Place]) -> Place | None:
    """Return words from the first to the last, or the longest piece if others are in between."""
    if not pieces:
        return None
    start, end = min(one.start for one in pieces), max(one.end for one in pieces)
    if any(one.start < end and start < one.end for one in others):
        return max(pieces, key=lambda one: one.end - one.start)
    return Place(start, end)


def _unit_with(sentence: Sentence, found: Sequence[tuple[bool, MarkedCitation]]) -> Unit:
    """Return a sentence with its part of each citation; `found` says whether it is direct."""
    here, direct, every = [], set[int](), set[int]()
    for is_direct, one in found:
        if content := tuple(clipped(one.content, sentence)):
            inside = one.cue and sentence.start <= one.cue.start and one.cue.end <= sentence.end
            here.append(replace(one, cue=one.cue if inside else None, content=content))
            own = {at for piece in content for at in range(piece.start, piece.end)}
            every |= own
            direct |= own if is_direct else set()
    quoted = bool(direct) and 2 * len(direct) >= len(every)
    labels = {"attributed": bool(here), "quoted": quoted, "reported": bool(here) and not quoted}
    given = {name: float(label) for name, label in labels.items()}
    return Unit(sentence.start, sentence.end, given, citations=tuple(here))


_PAPERS = {"Estadao": "O Estado de S. Paulo", "Folha": "Folha de S.Paulo"}
_OF_CLASS = {
    "-1": {"quoted": 1.0},
    "0": {"quoted": 0.0, "biased_language": 0.0},
    "1": {"quoted": 0.0, "biased_language": 1.0},
}


def _paper(name: str) -> str:
    return _PAPERS[re.split("[_-]", name)[1]]


def _read_factnews(folder: Path) -> Iterator[Article]:
    for number, row in read_rows(folder / "factnews_dataset.csv"):
        # A file's sentences stand in the order of the alphabet: no context.
        article, text = row["file"].removesuffix("_titulo"), row["sentences"].strip()
        if text:
            name, known = f"{article}/{number:04d}", {"outlet": _paper(article)}
            yield lone_sentence(name, text, _OF_CLASS[row["classe"]], "pt", **known)


# Sources in a prepositional phrase, which are no relation of their own there.
_BY_PREPOSITION = re.compile(r"\b(?:segundo (?!maior|turno)|de acordo com|conforme)\b", re.I)
_SPACED = ((r" (?=[,.;:!?)%])", ""), (r"(?<=\() ", ""), (r'(?<!\S)" ([^"]*?) "(?!\w)', r'"\1"'))


def _read_cstnews(folder: Path) -> Iterator[Article]:
    pieces: dict[str, dict[int, str]] = defaultdict(dict)  # by document, by number of a first token
    spans: dict[str, set[tuple[int, int]]] = defaultdict(set)
    attributed: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for _, row in read_rows(folder / "por.rst.cstn.rels", "\t", quoting=csv.QUOTE_NONE):
        name = row["doc"].partition("_")[2]
        for one in "12":
            words = (piece.strip() for piece in row[f"u{one}_raw"].split("<*>"))
            starts = (start for start, _ in _ranges(row[f"unit{one}_toks"]))
            pieces[name] |= zip(starts, words, strict=True)
            sentence = _ranges(row[f"s{one}_toks"])[0]
            spans[name].add(sentence)
            if row["orig_label"] == "attribution":
                attributed[name].add(sentence)
    for name, found in pieces.items():
        text, units = "", list[Unit]()
        for start, end in sorted(spans[name]):
            prose = " ".join(found[at] for at in sorted(found) if start <= at <= end)
            for pattern, instead in _SPACED:
                prose = re.sub(pattern, instead, prose)
            text += "\n" if text else ""
            label = float((start, end) in attributed[name])
            labels = {} if not label and _BY_PREPOSITION.search(prose) else {"attributed": label}
            units.append(Unit(len(text), len(text) + len(prose), labels))
            text += prose
        yield Article(name, text, outlet=_paper(name), lang="pt", units=tuple(units))


def _ranges(tokens: str) -> list[tuple[int, int]]:
    pairs = (piece.partition("-") for piece in tokens.split(","))
    return [(int(start), int(end or start)) for start, _, end in pairs]


def _read_persian(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("*.rs3")):
        outlet = path.stem.rstrip("0123456789")
        yield _by_segments(path, r" (?=[،؛؟.:!»)])|(?<=[«(]) ", " ", "fa", outlet=outlet)


def _read_gcdt(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("*.rs3")):
        # Tokens are spaced; between two Latin ones the space is the text's own.
        yield _by_segments(path, r"(?<![!-~]) | (?![!-~])", "", "zh")


def _rs3(path: Path) -> tuple[dict[str, str], set[str], set[str]]:
    """Return a rhetorical structure's segments, those of an attribution, and its headings.

    An attribution holds the satellite, which names the source, and the nucleus, its content.
    """
    root = articles.read_xml(path)
    multinuclear = {one.get("name") for one in root.iter("rel") if one.get("type") == "multinuc"}
    nodes = {one.attrib["id"]: one for one in root.iter() if one.tag in ("segment", "group")}
    children: dict[str, list[str]] = defaultdict(list)
    for name, node in nodes.items():
        children[node.get("parent", "")].append(name)

    def below(name: str, *, satellites: bool = True) -> Iterator[str]:
        """Yield the segments of a node, with or without the satellites that hang on it itself."""
        if nodes[name].tag == "segment":
            yield name
        parts = multinuclear if nodes[name].get("type") == "multinuc" else {"span"}
        for child in children[name]:
            nuclear = nodes[name].tag == "group" and nodes[child].get("relname") in parts
            yield from below(child) if satellites or nuclear else ()

    held: set[str] = set()
    for name, node in nodes.items():
        if node.get("relname", "").startswith("attribution"):
            held |= {*below(name), *below(node.attrib["parent"], satellites=False)}
    segments = {one.attrib["id"]: one.text or "" for one in root.iter("segment")}
    heads = {one for one in segments if nodes[one].get("relname") == "organization-heading"}
    return segments, held, heads


def _by_segments(path: Path, spaces: str, between: str, lang: str, **known: Any) -> Article:
    """Return an article whose sentences are attributed if such a segment lies in them.

    `spaces` are those that only tokens have; `between` stands between two segments.
    """
    segments, held, heads = _rs3(path)
    text, marked = "", list[Place]()
    for name, tokens in segments.items():
        if words := re.sub(spaces, "", " ".join(tokens.split())):
            text += "\n" if name in heads and text else between if text else ""
            marked += [Place(len(text), len(text) + len(words))] * (name in held)
            text += words + "\n" * (name in heads)
    bare = Article(path.stem, text, lang=lang, **known)
    units = []
    for one in split_sentences(bare):
        label = any(place.start < one.end and one.start < place.end for place in marked)
        units.append(Unit(one.start, one.end, {"attributed": float(label)}))
    return replace(bare, units=tuple(units))


def _read_araieval(folder: Path) -> Iterator[Article]:
    for part in ("train", "dev"):
        for row in map(json.loads, (folder / f"task1B_{part}.jsonl").open(encoding="utf-8")):
            if row["type"] == "paragraph" and (text := row["text"].strip()):
                marked = set(row["labels"]) - {"no_technique"}
                held = {articles.TECHNIQUE_OF["araieval"].get(one) for one in marked}
                labels = {one: float(one in held) for one in TECHNIQUES}
                # To attack a reputation is in part what the guidelines call doubt.
                if "Questioning_the_Reputation" in marked and not labels["doubt"]:
                    del labels["doubt"]
                labels["any_technique"] = float(bool(marked))
                yield lone_sentence(f"{part}/{row['id']}", text, labels, "ar")


_OF_UNLP = articles.TECHNIQUE_OF["unlp"]


def _read_unlp(folder: Path) -> Iterator[Article]:
    from pyarrow import parquet

    for row in parquet.read_table(folder / "data/span_detection/train.parquet").to_pylist():
        text, found = row["content"], set(row["techniques"] or ())
        here = {_OF_UNLP[one] for one in found if one in _OF_UNLP}
        # Which span has which technique is only known where a post has one.
        only = next(iter(here)) if len(found) == 1 and here else "any_technique"
        marks = ((a, min(b, len(text))) for a, b in sorted(row["trigger_words"] or ()))
        spans = [Span(a, b, only) for a, b in marks if a < b]
        bare, units = Article(row["id"], text, lang=row["lang"]), []
        for one in split_sentences(bare):
            held = any(span.start < one.end and one.start < span.end for span in spans)
            labels = {"any_technique": float(held)}
            for technique in dict.fromkeys(_OF_UNLP.values()):
                if not held or technique not in here or technique == only:
                    labels[technique] = float(held and technique == only)
            units.append(Unit(one.start, one.end, labels))
        yield replace(bare, units=tuple(units), spans=tuple(spans))


_ATTRIBUTED = ("attributed",)
_FRAMING = articles.OF_PROPAGANDA
_UNLP = in_order({"any_technique", *_OF_UNLP.values()})
LANGUAGES: tuple[Corpus, ...] = (
    Corpus(Card.of("checkthat"), _read_checkthat),
    Corpus(Card.of("wikinews"), _read_wikinews),
    Corpus(Card.of("factnews", group=articles.by_block), _read_factnews),
    Corpus(Card.of("cstnews", signals=_ATTRIBUTED), _read_cstnews),
    Corpus(Card.of("persian", signals=_ATTRIBUTED), _read_persian),
    Corpus(Card.of("gcdt", signals=_ATTRIBUTED), _read_gcdt),
    Corpus(Card.of("araieval", signals=_FRAMING, other_sense=_FRAMING), _read_araieval),
    Corpus(Card.of("unlp", signals=_UNLP, other_sense=_UNLP), _read_unlp),
)
# Ids are a language and the id of the English original, whose group and part an article has.
_HOUSE = Card.of("house_languages", signals=SHIPPED, other_sense=articles.FRAMED)
_BY_ORIGINAL = replace(_HOUSE, group=lambda one: one.id.split("/")[1])
HOUSE_LANGUAGES = Corpus(_BY_ORIGINAL, articles.read_exchange, shipped=True)
