"""Who is cited in each sentence of an article, and what kind of source it is."""
