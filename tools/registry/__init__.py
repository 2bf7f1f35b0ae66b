"""Evidence and the hand-kept tables in, the registry's shipped tables out."""

from tools.registry.build import build as build_registry
from tools.registry.mentions import fit as fit_mentions
from tools.registry.mentions import labelled as labelled_mentions
from tools.registry.mentions import write as write_mentions
from tools.registry.merge import FOLDER as HAND_FOLDER
