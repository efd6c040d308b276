"""Routes of videos, streams and view logs."""
