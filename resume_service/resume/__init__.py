"""Resume points: the rules of a save, the store in Redis, and the three APIs."""
