"""Articles out to those who label, in the tool they already have, and their labels back again."""
