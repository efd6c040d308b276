"""Opens a video's bytes: a local file or an origin's URL. No SQL, no Flask."""
