"""framescope: who says so, how it is framed, and whose words they are."""

from pathlib import Path

from framescope.version import __version__ as __version__

SHIPPED = Path(__file__).parent / "bundles"
"""The bundles that ship, a folder of each kind's name."""
