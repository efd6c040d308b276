"""Routes of every service: documentation, health, metrics."""
