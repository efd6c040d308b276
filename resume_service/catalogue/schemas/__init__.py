"""What these routes accept and return."""
