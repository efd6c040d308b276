"""A page on which a viewer sees the course and marks what is done."""
