"""Which outlets that articles cite the registry doesn't know: the names, by how often they stand.

Who is cited is what a bundle's model finds. A citation is of an outlet when one is resolved
(`Citation.outlets`), or when the words that give its source, or the way it came ("told the Ellery
Gazette"), look like an outlet's name (`like_outlets`) or are a name of the registry that was not
taken for the outlet's ("Zvezda reported"). Generic words ("local media", "the newspaper") name no
outlet. What no words of the sentence hand over isn't counted (it is carried over from another, or
stands under a dateline), and a sentence that stands twice in an article once.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier import bundles
from framescope.classifier.attribution import lexicon_places as places
from framescope.classifier.attribution import lexicon_terms as terms
from framescope.classifier.attribution import word_set
from framescope.classifier.errors import InputError
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, ArticleReport, Medium, SourceKind, fold
from framescope.classifier.scoring import Scorer
from framescope.eval.metrics import Interval, Section, Share, draw, percentile, table
from framescope.training import DEFAULT_SEED

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry
    from framescope.classifier.records import Citation

DRAWS = 2000
SHOWN = 60

_LEADS = re.compile(
    r"\b(?:told|telling|according to|reported by|quoted by|cited by|published (?:by|in)|carried by|"
    r"aired (?:by|on)|broadcast (?:by|on)|interview with|interviewed by|citing|quoting)"
    r"\s+(?P<what>(?:[\w'-]+\s+){0,3}[\"']?[A-Z][^,;:()]{2,60})"
)
_REPORTS = word_set(
    "reported reports report wrote writes quoted quotes cited cites published broadcast revealed "
    "said says according citing quoting"
)


@dataclass(frozen=True, slots=True)
class OutletCitations:
    """The citations of one article.

    ``resolved``, ``unresolved``: of outlets: registry ids, and names that look like an outlet's and
    were not resolved. ``others``: other names after "according to" and before "reported": persons
    and bodies, for a reader to see whether an outlet is among them.
    """

    resolved: tuple[str, ...]
    unresolved: tuple[str, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unresolved:
    """What was found in all articles: how many there are, and of citations of outlets.

    ``share`` is that of citations not resolved, NaN where there are none, with articles resampled;
    the counters count citations by registry id and by name.
    """

    articles: int
    citations: int
    share: Share
    resolved: Counter[str]
    unresolved: Counter[str]
    others: Counter[str]


def tally(report: ArticleReport, registry: Registry) -> OutletCitations:
    """Count a scored article's citations of outlets."""
    plain = fold(report.article.text)
    resolved: list[str] = []
    unresolved: list[str] = []
    others: list[str] = []
    seen: set[str] = set()
    for sentence in report.sentences:
        if sentence.text in seen:  # some files have an article twice
            continue
        seen.add(sentence.text)
        for citation in sentence.citations:
            if citation.source is None or citation.cue is None:
                continue
            names = list(_unknown(plain, sentence.start, sentence.end, citation, registry))
            if names:
                unresolved.append(names[0])
            elif citation.outlets:
                resolved.append(citation.outlets[0])
            elif citation.kind is SourceKind.NAMED and not citation.government:
                cue = plain[citation.cue.start : citation.cue.end].lower()
                if cue.endswith(("according to", "reported", "reported by")):
                    others.append(citation.name)
    return OutletCitations(tuple(resolved), tuple(unresolved), tuple(others))


def _unknown(
    plain: str, start: int, end: int, citation: Citation, registry: Registry
) -> Iterator[str]:
    """Give the names in a citation's source and channel that look like an unknown outlet's."""
    assert citation.source is not None
    assert citation.cue is not None
    source, cue = citation.source, plain[citation.cue.start : citation.cue.end].lower()
    regions = [plain[source.start : source.end]]
    blank = list(plain[start:end])
    for place in (source, *citation.content):
        for at in range(max(place.start, start), min(place.end, end)):  # it may stand elsewhere
            blank[at - start] = ","
    regions += [match["what"] for match in _LEADS.finditer("".join(blank))]
    known = set(citation.outlets)
    for region in regions:
        mentions = registry.mentions(region)
        for name, first, stop in like_outlets(region):
            covered = any(m.start < stop and first < m.end for m in mentions)
            if not (covered or known & _called(name, registry) or _short(name, known, registry)):
                yield name
    bare = regions[0].strip(" \"'.")
    named = bare[:1].isupper() and not is_generic(bare) and bool(_REPORTS & set(cue.split()))
    if named and not known and not _person(bare, plain) and _called(bare, registry):
        yield bare


def _person(name: str, plain: str) -> bool:
    """Whether the article has the name as somebody's: "Zaman", of "Arif Zaman"."""
    return bool(re.search(rf"[A-Z][\w'-]+ {re.escape(name)}\b", plain))


def _called(name: str, registry: Registry) -> set[str]:
    return {outlet.id for outlet in registry.called(name)}


def _short(name: str, known: set[str], registry: Registry) -> bool:
    """Whether a name is the host, or the last word, of an outlet that was resolved: "the Post"."""
    found = registry.at(name) if "." in name else None
    short = name.lower().removeprefix("the ")
    return (found is not None and found.outlet.id in known) or any(
        registry[id].name.lower().endswith(f" {short}") for id in known
    )


def measure(
    tallies: Sequence[OutletCitations], draws: int = DRAWS, seed: int = DEFAULT_SEED
) -> Unresolved:
    """Sum up the articles' citations, with an interval of the share."""
    rows = [(len(t.resolved), len(t.unresolved)) for t in tallies]
    counts = np.array(rows, np.float64).reshape(-1, 2)
    known, unknown = counts.sum(axis=0)
    shares = [
        (weights @ counts[:, 1]) / np.maximum(weights @ counts.sum(axis=1), 1)
        for weights in (draw(len(counts), draws, seed, 100) if len(counts) > 1 else ())
    ]
    whole = float("nan")
    interval = Interval(whole, whole)
    if shares:
        interval = percentile(np.concatenate(shares), len(counts))
    return Unresolved(
        len(counts),
        int(known + unknown),
        Share.of(unknown / (known + unknown) if known + unknown else whole, interval),
        Counter(id for t in tallies for id in t.resolved),
        Counter(name for t in tallies for name in t.unresolved),
        Counter(name for t in tallies for name in t.others),
    )


def study(
    path: Path,
    model: str | Path = "transformer",
    shown: int = SHOWN,
    done: Callable[[int, int], None] = lambda n, total: None,
) -> Section:
    """Score a file's articles, or those of a folder's files, and count whom they cite.

    Parameters
    ----------
    path : pathlib.Path
        See `read`.
    model : str or pathlib.Path
        The bundle that finds who is cited: its folder, or the name of one that ships.
    shown : int
        Names of each list.
    done : callable, optional
        Told how many articles have been scored, and of how many.

    Raises
    ------
    FramescopeError
        When there are no such articles, or there is no such bundle.
    """
    articles = list(read(path))  # a line that is no article is told of before any is scored
    registry = load_registry()
    loaded = bundles.load(model, registry)
    scorer = Scorer(loaded, registry=registry, evidence=False)
    tallies = []
    for report in scorer.score(articles):
        if isinstance(report, ArticleReport):
            tallies.append(tally(report, registry))
        done(len(tallies), len(articles))
    return section(measure(tallies), registry, shown, loaded.name)


def section(found: Unresolved, registry: Registry, shown: int = SHOWN, by: str = "") -> Section:
    """Lay out the share, the names not resolved, and the agencies that were.

    ``by``: who found the citations, where it is to be said.
    """
    agencies = [
        (registry[id].name, count)
        for id, count in found.resolved.most_common()
        if registry[id].state_media and registry[id].medium is Medium.AGENCY
    ]
    named = f"Other names after 'according to' and before 'reported', {len(found.others)}"
    return Section(
        f"{found.articles:,} articles, {found.citations:,} citations of outlets"
        f"{by and f', found by {by}'}; the interval resamples articles.",
        (
            table("", ("", "share"), [("not resolved", found.share)]),
            *(
                table(caption, ("name", "citations"), rows)
                for caption, rows in (
                    (f"Not resolved, {len(found.unresolved)} names",
                     found.unresolved.most_common(shown)),
                    (named, found.others.most_common(shown)),
                    (f"State agencies resolved, {len(agencies)}", agencies),
                )
            ),
        ),
    )  # fmt: skip


def read(path: Path) -> Iterator[Article]:
    """Read the articles of a file, or of a folder's files: JSON Lines, gzipped or not.

    ``path``: each line an object with ``text``; nothing else is read but ``id``, ``outlet`` and
    ``date``. Raises `InputError` when there is no such file, or a line can't be read.
    """
    files = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]
    if not files:
        raise InputError(path, "no *.jsonl or *.jsonl.gz in it; name a file with an article a line")
    for file in files:
        number = 0
        try:
            with (gzip.open if file.suffix == ".gz" else open)(
                file, "rt", encoding="utf-8"
            ) as lines:
                for number, line in enumerate(lines, 1):
                    record = json.loads(line)
                    if not isinstance(record["text"], str):
                        raise TypeError("'text' is no string")
                    yield Article(
                        str(record.get("id", number)), record["text"], lang="en",
                        outlet=record.get("outlet"), date=record.get("date"),
                    )  # fmt: skip
        except FileNotFoundError:
            raise InputError(file, "no such file; name JSON Lines with an article a line") from None
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"line {number}: no article ({error}); each line must be an object with 'text'"
            raise InputError(file, reason) from None


# What looks like an outlet's name in the words that give a source, whether or not one is known: a
# name before or after a word such as "agency" or "newspaper", one that ends as papers' titles do
# ("Times"), "Voice of ..." or a host. Hosts under .org, .gov and .edu are left out: nearly all of
# them are organisations'.

# What says of a name beside it that it is an outlet's. A "website" or "portal" is often that of a
# ministry, so the name must be no body's.
_KIND = (
    r"(?:(?:news|press|wire)\s(?:agency|service|outlet|network|channel|site|website|portal)"
    r"|(?:TV|television|radio|satellite)\s(?:channel|network|station)"
    r"|agency|newspaper|daily|weekly|magazine|TV|television|channel|radio|website|portal"
    r"|broadcaster|newswire|tabloid|journal)"
)
_TITLE = (
    r"(?:Times|Post|Herald|Tribune|Gazette|Journal|Chronicle|Observer|Guardian|Mirror|Express|Star"
    r"|Daily|Weekly|News|TV|Television|Radio|Online|Magazine|Newspaper|Press|Agency|Review|Mail"
    r"|Telegraph|Dispatch|Courier|Inquirer|Examiner|Monitor|Echo|Sun|Standard|Channel|Network)"
)
_WORD = r"(?:(?:al-|el-|an-|ar-|as-|ash-)?[A-Z][\w'&-]*(?:\.[A-Z]\.?)*)"
_NAME = rf"{_WORD}(?:\s(?:(?:of|and|the|de|la|le|e|al|el|&)\s){{0,2}}{_WORD}){{0,5}}"
_LOOKS = (
    re.compile(
        rf"(?P<name>{_NAME})[\"']?\s(?:state\s|official\s|semi-official\s)?(?P<kind>{_KIND})\b"
    ),
    re.compile(rf"\b(?P<kind>{_KIND})\s[\"']?(?P<name>{_NAME})"),
    re.compile(rf"(?P<name>(?:{_WORD}\s(?:(?:of|and|the)\s)?){{1,5}}{_TITLE})\b(?!\s[A-Z])"),
    re.compile(rf"(?P<name>\b(?:Times|Voice|Radio|Channel)\s(?:of\s)?(?:{_NAME}|\d+))"),
    re.compile(r"(?P<name>\b(?:[\w-]+\.){1,3}(?:com|net|info|tv|ir|ru|uk|co|news)\b)"),
)
_GENERIC = word_set(
    "the a an another state official national local foreign domestic international satellite "
    "public private government semi-official his her its their this that some several other "
    "daily weekly news media press tv television radio english arabic persian farsi hebrew "
    "language western eastern north south new old republic islamic democratic zionist popular "
    "leading prominent monday tuesday wednesday thursday friday saturday sunday"
)
# Bodies whose names end as those of outlets do, or whose sites are cited.
_BODY = re.compile(
    r"\b(?:Agency for|(?:Security|Energy|Space|Intelligence|Development|Aid|Aviation|Protection"
    r"|Crime|Information|Refugee|Relief|Cooperation|Rights|Health|Force) (?:Agency|Monitor|Network)"
    r"|Ministry|Minister|Department|Parliament|Presiden\w+|Embassy|Kremlin|University|Institute"
    r"|Museum|Organi[sz]ation|Company|Society|Program(?:me)?|Council|Chamber|Database|Bank|Court"
    r"|Solutions|Secretary|Center|Centre|Industries|Construction|Research|Expo)\b"
)


def like_outlets(words: str) -> Iterator[tuple[str, int, int]]:
    """Find what looks like an outlet's name: the name, and where it stands with its kind."""
    for pattern in _LOOKS:
        for match in pattern.finditer(words):
            name = match["name"]
            if not is_generic(name) and not is_body(name, match.groupdict().get("kind")):
                yield name, match.start(), match.end()


def is_body(name: str, kind: str | None) -> bool:
    """Whether a name is a body's, and its site or paper no outlet by itself: "the UNDP website"."""
    if _BODY.search(name) or name.endswith("'s"):
        return True
    words = name.lower().split()
    return kind in ("website", "portal") and (name.isupper() or words[-1] in terms("body"))


def is_generic(name: str) -> bool:
    """Whether a name tells no outlet from others: "Iranian state television", "the newspaper"."""
    words = [re.sub(r"'s$", "", word) for word in name.lower().split()]
    kinds = [places(kind) for kind in ("people", "state", "capital", "region")]
    if any(name.lower() in kind for kind in kinds):
        return True
    return all(
        word in _GENERIC
        or word.endswith(("-based", "-language", "-linked", "-owned", "-run"))
        or any(word in kind for kind in kinds)
        or re.fullmatch(_KIND, word, re.IGNORECASE)
        for word in words
    )
