"""An outlet's record, as an interval or as unscored; and the source card that it goes on.

Assessments are weighed by `classifier.sources.record.posterior`. Who controls an outlet is no part
of its record: nothing here reads `Outlet.control`. Without an assessment there is no record,
whatever the article shows: unknown is not unreliable, nor is it one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classifier.sources.publisher import publisher
from classifier.sources.record import posterior
from classifier.sources.record.evidence import article_evidence
from classifier.values import (
    ArticleEvidence,
    Assessment,
    Outlet,
    Publication,
    Record,
    Role,
    SourceCard,
)

if TYPE_CHECKING:
    from datetime import date as Date  # noqa: N812 - "date" is the parameter

    from classifier.sources.registry.registry import Registry
    from classifier.values import ArticleReport

LEAST = 1.0
"""Observations below which what is left of old assessments is no record any more."""

CAP = 0.03
"""The furthest that the article's own evidence moves the estimate, either way. Small, since how an
article is sourced is no sign of how its outlet is assessed (docs/source-record.md)."""

USUAL_SHARE = 0.32
"""The share of claims with a source that moves nothing: that of 1,338 articles of 57 outlets, by
the rules alone (`eval.studies.sourcing`)."""

ENOUGH_CLAIMS = 10.0
"""The number of claims from which an article's own evidence counts more than half."""

_GOOD, _BAD = 0.7, 0.3
_CONFLICT = 0.25  # the share of the weight on the lesser side from which raters contradict
_SITE_CONFIDENCE = 0.8  # of the lists of networks' hosts, which don't say it host by host

_UNSCORED_ROLES = {
    Role.PLATFORM: "a platform, where anybody posts",
    Role.AGGREGATOR: "an aggregator, whose articles are others'",
}


def card(report: ArticleReport, registry: Registry) -> SourceCard:
    """Say who published an article, what is on record of them, and what it shows itself.

    Control and record are about the outlet whose words the article is, the last of the chain. A
    page that imitates an outlet gets nothing of that outlet's. Where a page's own outlet isn't in
    the registry but its host is one of an influence network's, that is its record.

    Parameters
    ----------
    report : ArticleReport
    registry : Registry

    Returns
    -------
    SourceCard
        Its ``evidence`` is None where the article was not scored.
    """
    article = report.article
    publication = publisher.publication(article, registry)
    author = publication.author
    outlet = author.outlet if author is not None else None
    evidence = None if report.note is not None else article_evidence(report)
    if outlet is not None:
        found = record(outlet, evidence, date=article.date, registry=registry)
    else:
        found = _of_nobody(publication, article.url, evidence, article.date, registry)
    return SourceCard(publication, outlet, found, evidence)


def record(
    outlet: Outlet | None, evidence: ArticleEvidence | None, *, date: str | None, registry: Registry
) -> Record:
    """Weigh what independent assessments say of an outlet.

    `outlet` is None when the registry doesn't hold it. `evidence`, an article's, shifts the
    estimate by at most `CAP`, and makes none where there is none. Assessments age from `date` (ISO
    8601), when the article appeared; without one, from the date of the registry. Unscored, with the
    reason, for an outlet that is not in the registry, a platform, an aggregator, assessments that
    contradict one another or reach no verdict, that are too old to count, and none.
    """
    if outlet is None:
        return _unscored("not in the registry")
    if outlet.role in _UNSCORED_ROLES:
        return _unscored(f"{outlet.name} is {_UNSCORED_ROLES[outlet.role]}")
    return _weigh(outlet.assessments, evidence, _moment(date, registry))


def article_shift(evidence: ArticleEvidence | None) -> float:
    """Give how far an article's own sourcing moves the estimate.

    The share of claims with a source (a named one counts whole, an unnamed one half) is compared
    with `USUAL_SHARE`; what it is above or below, on a scale from -1 to 1, is multiplied by `CAP`
    and shrunk by ``n / (n + ENOUGH_CLAIMS)``, since a few claims show little. An article that
    stands on one named source gains half as much. Quotes, links and corrections are shown, and
    move nothing.

    Returns
    -------
    float
        Between ``-CAP`` and ``CAP``; 0 without claims.
    """
    if evidence is None or not evidence.claims:
        return 0.0
    share = (evidence.named + 0.5 * evidence.unnamed) / evidence.claims
    room = 1 - USUAL_SHARE if share > USUAL_SHARE else USUAL_SHARE
    size = evidence.claims / (evidence.claims + ENOUGH_CLAIMS)
    shift = CAP * size * (share - USUAL_SHARE) / room
    return shift / 2 if shift > 0 and evidence.single_source else shift


def _weigh(
    assessments: Sequence[Assessment], evidence: ArticleEvidence | None, moment: Date | None
) -> Record:
    counted = posterior.latest(assessments)
    if not counted:
        return _unscored("no assessment on record" + (" that counts" if assessments else ""))
    if all(posterior.good(a) == posterior.NO_VERDICT for a in counted):
        # Raters who can't agree on an outlet are no evidence that it is middling.
        return _unscored(f"its raters reached no verdict ({_said(counted)})", counted)
    if opposed := _opposed(counted, moment):
        return _unscored(f"the lists contradict one another: {opposed}", counted)
    found = posterior.posterior(counted, moment)
    if found.weight < LEAST:
        return _unscored(f"the assessments are too old to count ({_said(counted)})", counted)
    shift = article_shift(evidence)
    low, high = found.interval()
    return Record(
        low=_clipped(low + shift),
        estimate=_clipped(found.mean + shift),
        high=_clipped(high + shift),
        reason=_said(counted),
        assessments=tuple(counted),
        shift=shift,
        cap=CAP,
    )


def _opposed(assessments: Sequence[Assessment], moment: Date | None) -> str | None:
    """Say who contradicts whom, where either side has a real share of the weight."""
    good = [a for a in assessments if (posterior.good(a) or 0.0) >= _GOOD]
    bad = [a for a in assessments if (posterior.good(a) or 0.0) <= _BAD]
    weights = [sum(posterior.weight(a, moment) for a in side) for side in (good, bad, assessments)]
    if not good or not bad or min(weights[:2]) < _CONFLICT * weights[2]:
        return None
    return f"{_said(good)} against {_said(bad)}"


def _of_nobody(
    publication: Publication,
    url: str | None,
    evidence: ArticleEvidence | None,
    date: str | None,
    registry: Registry,
) -> Record:
    """Give the record of a page whose outlet the registry doesn't hold."""
    # A longer chain says that the words are not the page's own.
    site = registry.network(url) if url and len(publication.chain) <= 1 else None
    if site is not None:
        listed = Assessment(posterior.NETWORK, site.network, site.evidence, _SITE_CONFIDENCE)
        return _weigh((listed,), evidence, _moment(date, registry))
    author = publication.author
    if author is None:
        return _unscored("nothing says who published it")
    return _unscored(f"{author.name} is not in the registry")


def _moment(date: str | None, registry: Registry) -> Date | None:
    return posterior.day(date) or posterior.day(registry.version)


def _unscored(reason: str, assessments: Sequence[Assessment] = ()) -> Record:
    return Record(None, None, None, reason, tuple(assessments))


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


def _said(assessments: Sequence[Assessment]) -> str:
    return "; ".join(map(_word, assessments))


def _word(assessment: Assessment) -> str:
    evidence = assessment.evidence
    said = assessment.value.replace("_", " ")
    if assessment.claim == posterior.NETWORK:
        said = f"in the network {assessment.value}"
    return f"{evidence.source}{f' ({evidence.date})' if evidence.date else ''}: {said}"
