"""Who published an article, whom it carries, and what is on record about them.

In: an article as the rules read it, and the registry of outlets. Out: a source card; and what the
registry answers to a host, a name or an id.
"""

from framescope.classifier.outlets.publisher.publisher import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.outlets.record.evidence import (
    best_source,
    distinct_sources,
    own_citations,
)
from framescope.classifier.outlets.record.record import card as source_card
from framescope.classifier.outlets.registry.addresses import account as account_in
from framescope.classifier.outlets.registry.check import Flaw, ambiguous_names, clashes
from framescope.classifier.outlets.registry.check import fold as fold_name
from framescope.classifier.outlets.registry.check import problems as problems_of_tables
from framescope.classifier.outlets.registry.export import export as export_registry
from framescope.classifier.outlets.registry.facts import OURS as REGISTRY_SOURCE
from framescope.classifier.outlets.registry.folding import slug
from framescope.classifier.outlets.registry.hosts import host as host_in
from framescope.classifier.outlets.registry.hosts import is_suffix as is_public_suffix
from framescope.classifier.outlets.registry.hosts import label as host_label
from framescope.classifier.outlets.registry.hosts import parents as host_parents
from framescope.classifier.outlets.registry.hosts import registrable as registrable_host
from framescope.classifier.outlets.registry.hosts import unicode as host_in_unicode
from framescope.classifier.outlets.registry.lookup import COLUMNS as LOOKUP_COLUMNS
from framescope.classifier.outlets.registry.lookup import Answer, LookAlike, look_up, sole
from framescope.classifier.outlets.registry.lookup import row as outlet_row
from framescope.classifier.outlets.registry.lookup import select as select_outlets
from framescope.classifier.outlets.registry.lookup import to_json as answers_to_json
from framescope.classifier.outlets.registry.ratings import Rater, rating_terms, read_ratings
from framescope.classifier.outlets.registry.registry import NetworkSite, Registry, own_folder
from framescope.classifier.outlets.registry.registry import load as load_registry
from framescope.classifier.outlets.registry.schema import (
    COLUMNS,
    FIELDS,
    RATINGS,
    countries,
    stated,
)
from framescope.classifier.outlets.registry.tables import shipped as shipped_tables
from framescope.classifier.outlets.registry.user import read as read_outlets
from framescope.classifier.outlets.registry.user import to_object as outlet_to_object
