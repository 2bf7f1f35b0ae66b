"""Scored rows in, whether a bundle may be released out; and the figures of its model card."""

from framescope.eval.release.card import write as write_card
from framescope.eval.release.gate import FLOORS, Gate
