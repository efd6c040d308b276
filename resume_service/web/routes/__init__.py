"""Routes that belong to no feature: documentation, health, metrics."""
