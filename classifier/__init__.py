"""framescope: who says so, how it is framed, and whose words they are."""

__version__ = "0.3.0"
