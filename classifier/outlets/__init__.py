"""Who published an article, whom it carries, and what is on record about them.

In: an article as the rules read it, and the registry of outlets. Out: a source card; and what the
registry answers to a host, a name or an id.
"""

from framescope.classifier.outlets.publisher.publisher import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.outlets.record import card as source_card
from framescope.classifier.outlets.record import cites_wrapper, distinct_sources
from framescope.classifier.outlets.registry import addresses, schema
from framescope.classifier.outlets.registry.check import (
    Flaw,
    ambiguous_names,
    clashes,
    fold_name,
    problems_of_tables,
)
from framescope.classifier.outlets.registry.export import REGISTRY_SOURCE, export_registry
from framescope.classifier.outlets.registry.folding import slug
from framescope.classifier.outlets.registry.lookup import (
    LOOKUP_COLUMNS,
    Answer,
    answers_to_json,
    look_up,
    outlet_row,
    select_outlets,
    sole,
)
from framescope.classifier.outlets.registry.registry import NetworkSite, Registry, shipped_tables
from framescope.classifier.outlets.registry.user import (
    RATING_COLUMNS,
    Rater,
    outlet_to_object,
    own_folder,
    rating_terms,
    read_outlets,
    read_ratings,
)
from framescope.classifier.outlets.registry.user import load as load_registry
