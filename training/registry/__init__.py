"""Evidence and the hand-kept tables in, the registry's shipped tables out."""

from training.registry.build import build as build_registry
from training.registry.merge import FOLDER as HAND_FOLDER
