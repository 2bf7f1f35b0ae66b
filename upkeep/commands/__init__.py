"""`framescope bundles`, `calibrate`, `drift`: options, and one call each; nothing is computed."""
