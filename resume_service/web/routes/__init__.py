"""The routes for operators and developers: API documentation, health checks and metrics."""
