"""The commands ``framescope train``, ``corpora`` and ``registry``: options, and one call each."""
