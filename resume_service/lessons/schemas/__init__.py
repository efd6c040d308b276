"""Request and response schemas of the course, the completions and the enrollments."""
