"""Request and response schemas of the three APIs."""
