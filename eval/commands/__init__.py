"""The commands below ``framescope eval``: options, and one call each."""

from eval.commands.options import SectionName, progress
