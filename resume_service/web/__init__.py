"""The HTTP layer: the code that handles every request, before and after the route function."""
