"""The HTTP layer, which every request passes."""
