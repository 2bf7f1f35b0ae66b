"""The commands below ``framescope eval``: options, and one call each."""
