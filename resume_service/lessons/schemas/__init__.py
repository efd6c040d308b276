"""Request and response schemas of the lesson routes."""
