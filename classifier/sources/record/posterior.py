"""Assessments as a distribution over how reliable an outlet is.

A Beta distribution, made of assessments as a reputation system makes one of ratings (Jøsang and
Ismail, 2002, *The Beta Reputation System*): each counts as a number of good and bad observations,
weighted by the rater's firmness and forgotten with time. It starts from Beta(1, 1), which says
nothing; that prior is never reported by itself.

* **Age.** An assessment loses half its weight every `HALF_LIFE` years. The English Wikipedia calls
  a discussion of a source stale after four years without another; that is the half-life.
* **Scarcity.** Fewer assessments are fewer observations. A rater counts once, with its latest word.
* **Disagreement.** The observations of raters who differ count for less: all are multiplied by
  ``1 - 4 v``, with ``v`` the variance of what they say, which is at most 1/4 (as overdispersion
  divides the information of counts; McCullagh and Nelder, 1989, section 4.5).

How many observations an assessment is worth (`OBSERVATIONS`), and what share of them is good
(`VALUES`), is this project's judgement; the order of the terms is the raters'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from classifier.values import Assessment

LEVEL = 0.90
"""The share of the distribution that the interval holds; what it leaves out is halved."""

HALF_LIFE = 4.0
"""Years in which an assessment loses half its weight."""

UNDATED = 8.0
"""Years that an assessment without a date counts as old."""

RELIABILITY = "reliability"
NETWORK = "influence_network"


OBSERVATIONS = 12.0
"""What an assessment counts for, fresh and with confidence 1."""

NO_VERDICT = 0.50
"""What raters stand for who couldn't agree: nothing by itself, and disagreement beside others."""

VALUES = MappingProxyType(
    {
        "generally_reliable": 0.90,
        "no_consensus": NO_VERDICT,
        "generally_unreliable": 0.15,
        "deprecated": 0.05,
        "blacklisted": 0.05,
    }
)
"""The share of good observations that a term of claim ``reliability`` stands for; an assessment in
another term doesn't count."""

IN_NETWORK = 0.05
"""The same for a site that a named body found in a network built to hide who speaks."""

FIRM = 0.5
"""Confidence from which a body's naming of a site is a finding that it is part of a network."""

# Lists that find no network built to deceive. The first names sites for whose words they carry: to
# count it would let control into the record by the back door. The second names whoever has printed
# a disputed story, those who repeat and refute it as well.
_NO_FINDING = frozenset({"RT mirrors and reposts", "EUvsDisinfo cases"})

_DAYS = 365.25
_DATE = re.compile(r"((?:1[89]|2\d)\d\d)(?:[-.](\d{1,2}))?(?:[-.](\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Posterior:
    """``Beta(1 + weight * good, 1 + weight * (1 - good))``."""

    good: float  # the share of the observations that is good
    weight: float  # observations left once age and disagreement are paid for

    @property
    def mean(self) -> float:
        """The estimate."""
        return (1 + self.weight * self.good) / (2 + self.weight)

    def interval(self) -> tuple[float, float]:
        """Give the ends of the interval that holds `LEVEL`, the same left out at either end."""
        from scipy.special import betaincinv

        a, b = 1 + self.weight * self.good, 1 + self.weight * (1 - self.good)
        tail = (1 - LEVEL) / 2
        return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def good(assessment: Assessment) -> float | None:
    """Give the share of good observations that an assessment stands for; None: it doesn't count."""
    if assessment.claim == RELIABILITY:
        return VALUES.get(assessment.value)
    if assessment.claim == NETWORK and assessment.value not in _NO_FINDING:
        return IN_NETWORK if assessment.confidence >= FIRM else None
    return None


def weight(assessment: Assessment, moment: date | None) -> float:
    """Give the observations that an assessment still counts for at a moment.

    Its age is the distance between the two, in either direction: what was found of an outlet long
    after an article appeared says as little of that article as what was found long before.
    """
    made = day(assessment.evidence.date)
    years = UNDATED if made is None or moment is None else abs((moment - made).days) / _DAYS
    return float(OBSERVATIONS * assessment.confidence * 0.5 ** (years / HALF_LIFE))


def rater(assessment: Assessment) -> str:
    """Give who assessed: two lists of one house ("Wikipedia: ...") are no two witnesses."""
    return assessment.evidence.source.partition(":")[0].strip()


def latest(assessments: Iterable[Assessment]) -> list[Assessment]:
    """Give each rater's latest assessments that count; those of one date stay together."""
    found: list[Assessment] = []
    for rows in _by_rater(a for a in assessments if good(a) is not None):
        last = max(day(a.evidence.date) or date.min for a in rows)
        found += [a for a in rows if (day(a.evidence.date) or date.min) == last]
    return sorted(found, key=lambda a: (a.evidence.source, a.claim, a.value))


def posterior(assessments: Iterable[Assessment], moment: date | None) -> Posterior:
    """Pool assessments.

    `assessments` are those that count. All of one rater's are one vote, as firm as the firmest of
    them: they are no independent finds. Their ages are counted from `moment`; None makes each
    `UNDATED` years old.
    """
    votes = [_vote(rows, moment) for rows in _by_rater(assessments)]
    total = sum(vote.weight for vote in votes)
    if total <= 0:
        return Posterior(0.5, 0.0)
    mean = sum(vote.weight * vote.good for vote in votes) / total
    variance = sum(v.weight * ((v.good - mean) ** 2 + v.spread) for v in votes) / total
    return Posterior(mean, total * max(1 - 4 * variance, 0.0))


def day(text: str | None) -> date | None:
    """Read a date: of a day, a month or a year, the middle of it where the day isn't said."""
    match = _DATE.match(text or "")
    if match is None:
        return None
    year, month, number = (int(part) if part else None for part in match.groups())
    try:
        return date(year or 1, month or 7, number or (15 if month else 1))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Vote:
    good: float
    weight: float
    spread: float  # variance within the rater's own words


def _vote(rows: Sequence[Assessment], moment: date | None) -> _Vote:
    pairs = [(share, weight(a, moment)) for a in rows if (share := good(a)) is not None]
    total = sum(w for _, w in pairs)
    if total <= 0:
        return _Vote(0.5, 0.0, 0.0)
    mean = sum(share * w for share, w in pairs) / total
    spread = sum((share - mean) ** 2 * w for share, w in pairs) / total
    return _Vote(mean, max(w for _, w in pairs), spread)


def _by_rater(assessments: Iterable[Assessment]) -> list[list[Assessment]]:
    found: dict[str, list[Assessment]] = {}
    for assessment in assessments:
        found.setdefault(rater(assessment), []).append(assessment)
    return [found[name] for name in sorted(found)]
