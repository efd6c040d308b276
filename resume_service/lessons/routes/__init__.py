"""Routes of the course, the completions and the enrollments."""
