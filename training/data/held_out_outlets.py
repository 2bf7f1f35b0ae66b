"""What the split is made by: its seed, and the outlets that are kept back whole."""

from __future__ import annotations

from collections.abc import Mapping

SEED = 13
"""Of the split, of training and of resampling, unless another is given. The number itself means
nothing: it stays because the bundles that ship were split and trained by it, and docs/results.md
was measured with it."""

UNSEEN_OUTLETS: Mapping[str, frozenset[str]] = {
    # Two outlets of BABE, one from either side, and the two that have only a handful of rows.
    "babe": frozenset({"MSNBC", "Federalist", "Daily Stormer", "New York Times"}),
    "polnear": frozenset({"usa-today"}),
    # The same outlets under the names this corpus gives them; the rest is drawn (see below).
    "hyperpartisan": frozenset({"msnbc.com", "nbcnews.com", "thefederalist.com", "usatoday.com"}),
    # One of its eight invented regions, whole: no name of it occurs in the others.
    "house": frozenset(
        {
            "Cellar & Table",
            "Chess in the Highlands",
            "Dry Ford Echo",
            "Free Yssen Quarterly",
            "Frontier Reading Room",
            "Gilmakar Telegraph Agency",
            "Hearth and Rifle",
            "Highland Science Weekly",
            "Ishkulpress",
            "Lake Shore Bulletin",
            "Lakeview Media Monitor",
            "Mirvan Markets Today",
            "Mirvan Press Association",
            "Sollune Now",
            "Sollune Sport Daily",
            "Tesh Valley Messenger",
            "The Corkscrew",
            "The Kelm Record",
            "The Kelm Standard-Bearer",
            "The Lantern of Vardesh",
            "The Long Saddle Review",
            "The Sollune Gazette",
            "The Yssen Tribune",
            "TransTsorvan Newsroom",
            "Ulmeret Radio",
        }
    ),
    # Outlets of either side and of none that no other corpus teaches, and the one that PolNeAR
    # keeps back.
    "standoff": frozenset(
        {
            "Al Jazeera",
            "BBC News",
            "CNBC",
            "Christian Science Monitor",
            "Jacobin",
            "Salon",
            "The Daily Caller",
            "The Epoch Times",
            "Townhall",
            "USA TODAY",
            "Washington Free Beacon",
            "usa-today",
        }
    ),
}

DRAWN_EXCEPT: Mapping[str, frozenset[str]] = {
    # Corpora of many small outlets, each a group: whole outlets are drawn until they hold
    # UNSEEN_SHARE of the articles. Not these, which other corpora teach under other names.
    "hyperpartisan": frozenset(
        {
            "alternet.org",
            "breitbart.com",
            "huffingtonpost.com",
            "nytimes.com",
            "politico.com",
            "reuters.com",
            "washingtonpost.com",
            "westernjournalism.com",
        }
    ),
}
