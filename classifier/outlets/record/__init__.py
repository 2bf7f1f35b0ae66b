"""What is on record of an outlet, and what the article itself shows."""
