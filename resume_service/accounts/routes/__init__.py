"""Routes of companies, users and sign-in."""
