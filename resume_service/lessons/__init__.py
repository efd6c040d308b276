"""The course: modules, lessons, enrolments and completions."""
