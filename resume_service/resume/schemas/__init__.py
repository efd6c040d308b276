"""What the three APIs accept and return."""
