"""Live streams: push each change of a user's points to the user's other devices at once."""
