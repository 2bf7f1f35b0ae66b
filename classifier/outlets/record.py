"""An outlet's record, as an interval or as unscored; and the source card that it goes on.

One rater's word is shown as it is, with its date; an estimate and its interval take two. It is a
Beta distribution, as a reputation system makes one of ratings (Jøsang and Ismail, 2002): each
assessment counts as a number of good and bad observations, weighted by the rater's firmness and
halved every `HALF_LIFE` years. Where raters differ, all are multiplied by ``1 - 4 v``, with ``v``
the variance of what they say (as overdispersion divides the information of counts; McCullagh and
Nelder, 1989, section 4.5). docs/source-record.md says why.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date as Date  # noqa: N812 - "date" is a parameter
from itertools import groupby
from typing import NamedTuple

from framescope.classifier import records
from framescope.classifier.attribution import word_set
from framescope.classifier.outlets.publisher.publisher import publication
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.schema import NETWORK, RELIABILITY
from framescope.classifier.records import ArticleEvidence, Assessment, Citation, Outlet

LEVEL = 0.90  # the share of the distribution that the interval holds; what it leaves out is halved
HALF_LIFE = 4.0  # years in which an assessment loses half its weight
UNDATED = 8.0  # years that an assessment without a date counts as old
OBSERVATIONS = 12.0  # what an assessment counts for, fresh and with confidence 1
# What raters stand for who couldn't agree: nothing alone, and disagreement beside others.
NO_VERDICT = 0.50
#: The share of good observations that a term of claim ``reliability`` stands for; an assessment in
#: another term doesn't count.
VALUES: Mapping[str, float] = {
    "generally_reliable": 0.90,
    "no_consensus": NO_VERDICT,
    "generally_unreliable": 0.15,
    "deprecated": 0.05,
    "blacklisted": 0.05,
}
# The same for a site that a body named as a part of a network that hides who speaks; and the
# confidence from which that is a finding.
IN_NETWORK, FIRM = 0.05, 0.5
# Lists that find no network built to deceive. The first names sites for whose words they carry: to
# count it would let control into the record by the back door. The second names whoever has printed
# a disputed story, those who repeat and refute it as well.
_NO_FINDING = frozenset({"RT mirrors and reposts", "EUvsDisinfo cases"})
LEAST = 1.0  # observations below which what is left of old assessments is no record any more
# The furthest that the article's own evidence moves the estimate, either way. Small, since how an
# article is sourced is no sign of how its outlet is assessed.
CAP = 0.03
# The share of claims with a source that moves nothing: that of 1,338 articles of 57 outlets, by the
# rules of version 0.2.0 alone; and the number of claims from which the evidence counts half.
USUAL_SHARE, ENOUGH_CLAIMS = 0.32, 10.0
_GOOD, _BAD = 0.7, 0.3
_CONFLICT = 0.25  # the share of the weight on the lesser side from which raters contradict
_SITE_CONFIDENCE = 0.8  # of the lists of networks' hosts, which don't say it host by host
_UNSCORED_ROLES = {
    records.Role.PLATFORM: "a platform, where anybody posts",
    records.Role.AGGREGATOR: "an aggregator, whose articles are others'",
}
_DAYS = 365.25
_DATE = re.compile(r"((?:1[89]|2\d)\d\d)(?:[-.](\d{1,2}))?(?:[-.](\d{1,2}))?")


class Posterior(NamedTuple):
    """``Beta(1 + weight * good, 1 + weight * (1 - good))``."""

    good: float  # the share of the observations that is good
    weight: float  # observations left once age and disagreement are paid for

    @property
    def mean(self) -> float:
        """The estimate."""
        return (1 + self.weight * self.good) / (2 + self.weight)

    def interval(self) -> tuple[float, float]:
        """Return the ends of the interval that holds `LEVEL`, the same left out at either end."""
        from scipy.special import betaincinv

        a, b = 1 + self.weight * self.good, 1 + self.weight * (1 - self.good)
        tail = (1 - LEVEL) / 2
        return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def good(assessment: Assessment) -> float | None:
    """Return the share of good observations of an assessment; None if it doesn't count."""
    if assessment.claim == RELIABILITY:
        return VALUES.get(assessment.value)
    firm = assessment.claim == NETWORK and assessment.confidence >= FIRM
    return IN_NETWORK if firm and assessment.value not in _NO_FINDING else None


def weight(assessment: Assessment, moment: Date | None) -> float:
    """Return the observations that an assessment made before or after a moment counts for then."""
    made = day(assessment.evidence.date)
    years = UNDATED if made is None or moment is None else abs((moment - made).days) / _DAYS
    return float(OBSERVATIONS * assessment.confidence * 0.5 ** (years / HALF_LIFE))


def rater(assessment: Assessment) -> str:
    """Return who assessed: two lists of one house ("Wikipedia: ...") are no two witnesses."""
    return assessment.evidence.source.partition(":")[0].strip()


def latest(assessments: Iterable[Assessment]) -> list[Assessment]:
    """Return each rater's latest assessments that count; those of one date stay together."""
    found: list[Assessment] = []
    for rows in _by_rater(a for a in assessments if good(a) is not None):
        made = [day(a.evidence.date) or Date.min for a in rows]
        found += [a for a, date in zip(rows, made, strict=True) if date == max(made)]
    return sorted(found, key=lambda a: (a.evidence.source, a.claim, a.value))


def posterior(assessments: Iterable[Assessment], moment: Date | None) -> Posterior:
    """Pool assessments that count, at a moment; without one, each is `UNDATED` years old."""
    # All of one rater's are one vote, as firm as the firmest: they are no independent finds.
    votes = [_vote(rows, moment) for rows in _by_rater(assessments)]
    total = sum(vote.weight for vote, _ in votes)
    if total <= 0:
        return Posterior(0.5, 0.0)
    mean = sum(vote.weight * vote.good for vote, _ in votes) / total
    variance = sum(v.weight * ((v.good - mean) ** 2 + spread) for v, spread in votes) / total
    return Posterior(mean, total * max(1 - 4 * variance, 0.0))


def day(text: str | None) -> Date | None:
    """Read a date: of a day, a month or a year, the middle of it where the day isn't said."""
    match = _DATE.match(text or "")
    if match is None:
        return None
    year, month, number = (int(part) if part else None for part in match.groups())
    try:
        return Date(year or 1, month or 7, number or (15 if month else 1))
    except ValueError:
        return None


def _vote(rows: Sequence[Assessment], moment: Date | None) -> tuple[Posterior, float]:
    """Return a rater's vote, and the variance within its own words."""
    pairs = [(share, weight(a, moment)) for a in rows if (share := good(a)) is not None]
    total = sum(w for _, w in pairs)
    if total <= 0:
        return Posterior(0.5, 0.0), 0.0
    mean = sum(share * w for share, w in pairs) / total
    spread = sum((share - mean) ** 2 * w for share, w in pairs) / total
    return Posterior(mean, max(w for _, w in pairs)), spread


def _by_rater(assessments: Iterable[Assessment]) -> list[list[Assessment]]:
    return [list(rows) for _, rows in groupby(sorted(assessments, key=rater), key=rater)]


def card(report: records.ArticleReport, registry: Registry) -> records.SourceCard:
    """Return who published an article, what is on record of its author, and what it shows."""
    article, published = report.article, publication(report.article, registry)
    author = published.author
    outlet = author.outlet if author is not None else None
    evidence = None if report.note is not None else article_evidence(report)
    site = registry.network(article.url or article.outlet or "") if outlet is None else None
    listed = [site.network] if site else []
    if outlet is not None:
        found = record(outlet, evidence, date=article.date, registry=registry)
        listed = [a.value for a in outlet.assessments if a.claim == NETWORK]
    elif site is not None and len(published.chain) <= 1:  # a longer chain: not the page's own words
        said = Assessment(NETWORK, site.network, site.evidence, _SITE_CONFIDENCE)
        found = _weigh((said,), evidence, _moment(article.date, registry))
    elif author is not None:
        found = _unscored(f"{author.name} is not in the registry")
    else:
        found = _unscored("nothing says who published it")
    networks = dict.fromkeys(filter(None, map(registry.network_called, listed)))
    return records.SourceCard(published, outlet, found, evidence, tuple(networks))


def record(
    outlet: Outlet, evidence: ArticleEvidence | None, *, date: str | None, registry: Registry
) -> records.Record:
    """Weigh what assessments say of an outlet at `date`, or without one at the registry's."""
    if outlet.role in _UNSCORED_ROLES:
        return _unscored(f"{outlet.name} is {_UNSCORED_ROLES[outlet.role]}")
    return _weigh(outlet.assessments, evidence, _moment(date, registry))


def article_shift(evidence: ArticleEvidence | None) -> float:
    """Return how far an article's own sourcing moves the estimate: from -`CAP` to `CAP`."""
    if evidence is None or not evidence.claims or evidence.sourced is None:
        return 0.0
    share = evidence.sourced / evidence.claims
    room = 1 - USUAL_SHARE if share > USUAL_SHARE else USUAL_SHARE
    size = evidence.claims / (evidence.claims + ENOUGH_CLAIMS)
    shift = CAP * size * (share - USUAL_SHARE) / room
    return shift / 2 if shift > 0 and evidence.single_source else shift


def _weigh(
    assessments: Sequence[Assessment], evidence: ArticleEvidence | None, moment: Date | None
) -> records.Record:
    counted = latest(assessments)
    if not counted:
        return _unscored("no assessment on record" + (" that counts" if assessments else ""))
    # Raters who can't agree on an outlet are no evidence that it is middling.
    if all(good(a) == NO_VERDICT for a in counted):
        return _unscored(f"its raters reached no verdict ({_said(counted)})", counted)
    if len(_by_rater(counted)) == 1:
        return replace(_unscored(_said(counted), counted), rater=rater(counted[0]))
    if opposed := _opposed(counted, moment):
        return _unscored(f"the lists contradict one another: {opposed}", counted)
    found = posterior(counted, moment)
    if found.weight < LEAST:
        return _unscored(f"the assessments are too old to count ({_said(counted)})", counted)
    shift = article_shift(evidence)
    low, high = found.interval()
    low, mean, high = (min(1.0, max(0.0, v + shift)) for v in (low, found.mean, high))
    return records.Record(low, mean, high, _said(counted), tuple(counted), shift=shift, cap=CAP)


def _opposed(assessments: Sequence[Assessment], moment: Date | None) -> str | None:
    """Return who contradicts whom, where either side has a real share of the weight."""
    upper = [a for a in assessments if (good(a) or 0.0) >= _GOOD]
    lower = [a for a in assessments if (good(a) or 0.0) <= _BAD]
    weights = [sum(weight(a, moment) for a in side) for side in (upper, lower, assessments)]
    opposed = upper and lower and min(weights[:2]) >= _CONFLICT * weights[2]
    return f"{_said(upper)} against {_said(lower)}" if opposed else None


def _moment(date: str | None, registry: Registry) -> Date | None:
    return day(date) or day(registry.version)


def _unscored(reason: str, assessments: Sequence[Assessment] = ()) -> records.Record:
    return records.Record(None, None, None, reason, tuple(assessments))


def _said(assessments: Sequence[Assessment]) -> str:
    words = []
    for one in assessments:
        dated = f" ({one.evidence.date})" if one.evidence.date else ""
        network = f"in the network {one.value}" if one.claim == NETWORK else ""
        words.append(f"{one.evidence.source}{dated}: {network or one.value.replace('_', ' ')}")
    return "; ".join(words)


_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'“”‘’(){}\[\]]+"
    # Without a scheme only with a path: "example.org" may be somebody's name.
    r"|(?<![\w@./-])(?:[a-z0-9-]+\.)+[a-z]{2,12}/[^\s<>\"'“”‘’(){}\[\]]+",
    re.IGNORECASE,
)

_THIS = r"th(?:is|e)\s(?:\w+\s)?(?:article|story|report|post|piece|headline|column|page|caption)"
_HEADING = re.compile(
    r"\W*(?:(?:corrections?|clarifications?|corrigendum|erratum)\b\s*(?:\([^)\n]{1,40}\))?\s*[:–—-]"
    r"|(?:corrections?|clarifications?)\W*$)",
    re.IGNORECASE,
)
_NOTICE_WORDS = ("version", "corrected", "amended", "clarified", "updated", "regret")
_NOTICE = re.compile(
    rf"\b(?:an\s(?:earlier|older)|(?:a|the)\s(?:previous|prior|earlier)|the\soriginal)\sversion"
    rf"\sof\s{_THIS}"
    rf"|\b{_THIS}\s(?:has\sbeen|was)\s(?:corrected|amended|updated\sto\scorrect|clarified)"
    r"|\bwe\sregret\sthe\serrors?\b",
    re.IGNORECASE,
)


def article_evidence(report: records.ArticleReport) -> ArticleEvidence:
    """Count an article's claims, the sentences on each kind of source, and its named sources."""
    plain = report.reading.plain if report.reading else records.fold(report.article.text)
    counts = records.source_counts(report)
    claims = [one.rests_on for one in report.sentences if one.is_content and "claim" in one.flags]
    half = {"unnamed", records.UNRESOLVED}
    worth = [1.0 if "named" in kinds else 0.5 * bool(kinds & half) for kinds in claims]
    cited = distinct_sources([one.citations for one in report.sentences])
    named = (source for source in cited if source.kind is records.SourceKind.NAMED)
    sources = tuple(records.SourceCount(source.name, len(source.sentences)) for source in named)
    told = {"named", "unnamed", records.NOBODY} <= counts.keys()
    spoken = [one.sentence.inner_voice or one.sentence.voice for one in report.sentences]
    return ArticleEvidence(
        len(claims) if "claim" in report.given else None,
        **{kind: counts.get(kind) for kind in (*records.SOURCE_SIGNALS, records.NOBODY)},
        sources=sources if "named" in counts else None,
        quotes=None if None in spoken else spoken.count(records.Voice.QUOTED),
        links=len(set(addresses(report.article.text))),
        corrections=corrections(plain),
        sourced=sum(worth) if told else None,
    )


def corrections(plain: str) -> int:
    """Count the notices of corrections in a folded article."""
    found, headed = 0, False  # the line before is a bare "Correction", and this one its notice
    for line in filter(None, map(str.strip, plain.splitlines())):
        notice = _is_notice(line)
        found += notice and not headed
        headed = notice and ":" not in line and len(line) < 20
    return found


def addresses(text: str) -> Iterator[str]:
    """Return the addresses that stand in a text, without scheme, ``www.`` and closing dots."""
    # None has white space in it, and few words can be one.
    words = (word for word in text.split() if "/" in word or "www." in word.lower())
    for match in (match for word in words for match in _ADDRESS.finditer(word)):
        address = match[0].rstrip(".,;:!?…")
        yield re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE).rstrip("/")


def _is_notice(plain: str) -> bool:
    # Of two long patterns the first looks at the beginning alone, and the other needs one of a few
    # words. In any but ASCII, other letters can stand for theirs.
    lower = plain.lower()
    told = not plain.isascii() or any(word in lower for word in _NOTICE_WORDS)
    return _HEADING.match(plain) is not None or (told and _NOTICE.search(plain) is not None)


# What a name may be given with or without: "Hengaw", "the Hengaw organisation".
_GENERIC = word_set(
    "agency association broadcaster center centre channel company corporation foundation group "
    "institute institution magazine network news newspaper ngo office organisation organization "
    "outlet paper party press service site spokesman spokesperson spokeswoman station the "
    "watchdog website"
)
_TITLES = word_set(
    "mr mrs ms miss dr prof professor sir dame lord lady sen senator rep gov governor gen general "
    "col colonel capt captain maj major lt president minister premier chancellor secretary mayor "
    "prime foreign"
)
_WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")

_Key = tuple[str, ...]


class CitedSource(NamedTuple):
    """One source of an article."""

    name: str  # the form of its name that is given most; empty for nobody in particular
    kind: records.SourceKind
    government: bool  # whether any of its citations says so, as of state media
    state_media: bool
    sentences: tuple[int, ...]  # the rows that cite it, in order, each once


def distinct_sources(rows: Sequence[Iterable[Citation]]) -> tuple[CitedSource, ...]:
    """Group the citations of each sentence by their source; those in most sentences come first."""
    cited = [(number, citation) for number, row in enumerate(rows) for citation in row]
    found: dict[tuple[records.SourceKind, _Key], list[tuple[int, Citation]]] = {}
    for kind in records.SourceKind:
        named = kind is records.SourceKind.NAMED
        some = [(n, c) for n, c in cited if c.kind is kind and (c.name.strip() or not named)]
        keys = _keys([c for _, c in some]) if named else {}
        for number, citation in some:
            key = _key(citation.name)
            found.setdefault((kind, keys.get(key, key)), []).append((number, citation))
    sources = [_source(kind, rows) for (kind, _), rows in found.items()]
    return tuple(sorted(sources, key=lambda source: (-len(source.sentences), source.name)))


def cites_wrapper(citation: Citation, sentence: records.Sentence, article: records.Article) -> bool:
    """Return whether a citation only says that the sentence stands in a republished article."""
    parts = article.republications
    part = next((part for part in parts if part.start <= sentence.start < part.end), None)
    given = citation.source or citation.antecedent
    if part is None or (given is not None and part.start <= given.start < part.end):
        return False
    return _key(citation.name) == _key(part.outlet)


def _source(kind: records.SourceKind, rows: Sequence[tuple[int, Citation]]) -> CitedSource:
    [(name, _)] = Counter(citation.name.strip() for _, citation in rows).most_common(1)
    powers = (any(c.government for _, c in rows), any(c.state_media for _, c in rows))
    return CitedSource(name, kind, *powers, tuple(dict.fromkeys(number for number, _ in rows)))


def _keys(citations: Sequence[Citation]) -> dict[_Key, _Key]:
    """Map the key of every name to that of the source it stands for: of one outlet they are one."""
    given = [(_key(citation.name), citation.outlets) for citation in citations]
    by_outlet = {outlet: key for key, outlets in reversed(given) for outlet in outlets}
    by_key = {key: by_outlet[outlets[0]] for key, outlets in given if len(outlets) == 1}
    return {key: by_key.get(key, key) for key, _ in given}


def _key(name: str) -> _Key:
    """Return the words of a name that tell it from others; all of them when none would be left."""
    words = [re.sub(r"'s$", "", word) for word in _WORD.findall(records.fold(name).casefold())]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return tuple(word for word in words if word not in _GENERIC) or tuple(words)
