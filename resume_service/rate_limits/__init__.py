"""Rate limits for expensive requests and for password guesses."""
