"""The course: modules, lessons, enrollments and completions."""
