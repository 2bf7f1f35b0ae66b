"""The commands ``framescope annotate export``, ``import`` and ``pick``: options, and one call."""
