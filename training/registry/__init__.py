"""Evidence and the hand-kept tables in, the registry's shipped tables out."""

from training.registry.build import build as build_registry
from training.registry.mentions import fit as fit_mentions
from training.registry.mentions import labelled as labelled_mentions
from training.registry.mentions import write as write_mentions
from training.registry.merge import FOLDER as HAND_FOLDER
