"""Routes of the course, of completions and of enrolments."""
