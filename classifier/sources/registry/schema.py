"""What a cell of the registry's tables may hold.

The columns are `classifier.sources.registry.tables.COLUMNS`; the values are those that
`classifier.values.outlet` names.
"""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlsplit

from classifier.values import Code, DomainRole, Holder, Medium, NameKind, Role

_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ
BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM
DO DZ EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR
GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM
KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP
MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL
PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG
VI VN VU WF WS XK YE YT ZA ZM ZW
"""
#: ISO 3166-1 alpha-2, and what is reserved for such use: EU, XK.
COUNTRIES = frozenset(_COUNTRIES.split())
ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
QID = re.compile(r"Q[1-9][0-9]*")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]{2,}")
_LANG = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
CLAIMS = frozenset({"reliability", "influence_network", "impersonation"})
RELIABILITY = frozenset(
    {"generally_reliable", "no_consensus", "generally_unreliable", "deprecated"}
)
_ENUMERATIONS = {
    ("outlets", "role"): frozenset(Role),
    ("outlets", "medium"): frozenset(Medium),
    ("names", "kind"): frozenset(NameKind),
    ("names", "ambiguous"): frozenset({"", "1"}),
    ("domains", "role"): frozenset(DomainRole),
    ("control", "funding"): frozenset(Holder),
    ("control", "governance"): frozenset(Holder),
    ("control", "editorial"): frozenset(Holder),
    ("control", "code"): frozenset(Code) | {""},
    ("assessments", "claim"): CLAIMS,
    ("networks", "kind"): frozenset({"site", "imposter"}),
}
_REQUIRED = frozenset(
    {
        ("outlets", "name"),
        ("names", "name"),
        ("control", "source"),
        ("assessments", "value"),
        ("assessments", "source"),
        ("networks", "network"),
        ("networks", "source"),
    }
)


def wrong(kind: str, column: str, cell: str) -> str | None:
    """Say what is wrong with a cell.

    Parameters
    ----------
    kind, column : str
        The table and one of its columns.

    Returns
    -------
    str or None
        None when nothing is.
    """
    if cell != " ".join(cell.split()):
        return f"{cell!r} has spaces at an end, or two together"
    if (kind, column) in _REQUIRED and not cell:
        return "is empty"
    allowed = _ENUMERATIONS.get((kind, column))
    if allowed is not None and cell not in allowed:
        return f"{cell!r} is none of {', '.join(sorted(allowed))}"
    if column == "id" and not ID.fullmatch(cell):
        return f"{cell!r} is not lower-case ASCII letters, digits and hyphens"
    if column == "host" and not _HOST.fullmatch(cell):
        return f"{cell!r} is no host in lower-case ASCII"
    if not cell:
        return None
    if column == "country" and cell not in COUNTRIES:
        return f"{cell!r} is no ISO 3166-1 alpha-2 code"
    if column == "wikidata" and not QID.fullmatch(cell):
        return f"{cell!r} is no QID"
    if column == "lang" and not _LANG.fullmatch(cell):
        return f"{cell!r} is no BCP 47 tag"
    if column == "url" and not _is_url(cell):
        return f"{cell!r} is no http address"
    if column == "date" and not _is_date(cell):
        return f"{cell!r} is no ISO 8601 date"
    if column == "confidence" and not _is_share(cell):
        return f"{cell!r} is not between 0 and 1"
    return None


def _is_url(cell: str) -> bool:
    try:
        parts = urlsplit(cell)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and "." in (parts.hostname or "")


def _is_date(cell: str) -> bool:
    match = _DATE.fullmatch(cell)
    if not match:
        return False
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return False
    return True


def _is_share(cell: str) -> bool:
    try:
        return 0 <= float(cell) <= 1
    except ValueError:
        return False
