"""framescope: who says so, how it is framed, and whose words they are."""

from pathlib import Path

__version__ = "0.3.0"

SHIPPED = Path(__file__).parent / "bundles"
"""The bundles that ship, a folder of each kind's name."""
