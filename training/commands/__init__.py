"""The commands ``framescope annotate``, ``corpora``, ``labels`` and ``train``."""
