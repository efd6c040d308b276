"""Our worker class for gunicorn: it reads requests from connections and sends the responses."""
