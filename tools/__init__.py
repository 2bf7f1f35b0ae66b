"""What the project is made with, and not installed."""
