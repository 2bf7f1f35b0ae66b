"""The commands below ``framescope eval``: options, and one call each."""

from framescope.eval.commands.options import SectionName, progress
