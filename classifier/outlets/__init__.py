"""Who published an article and what is on record about them; and what the registry answers."""

from framescope.classifier.outlets.publisher.publisher import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.outlets.record import card as source_card
from framescope.classifier.outlets.record import cites_wrapper, distinct_sources
from framescope.classifier.outlets.registry import addresses, schema, user
from framescope.classifier.outlets.registry.check import Flaw, clashes, problems_of_tables
from framescope.classifier.outlets.registry.export import REGISTRY_SOURCE, export_registry
from framescope.classifier.outlets.registry.folding import fold_name, slug
from framescope.classifier.outlets.registry.lookup import Answer, answers_to_json, look_up, sole
from framescope.classifier.outlets.registry.registry import NetworkSite, Registry, shipped_tables
from framescope.classifier.outlets.registry.user import load as load_registry
