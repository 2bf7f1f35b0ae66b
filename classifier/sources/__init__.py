"""Who published an article, whom it carries, and what is on record about them."""
