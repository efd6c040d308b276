"""Demo data: companies, users, videos and a course."""
