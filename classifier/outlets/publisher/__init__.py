"""Who published an article and whom it carries."""
