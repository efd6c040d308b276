"""Limits the number of expensive requests, and of sign-ins, to slow down password guesses."""
