"""A page to watch a run at, from a browser."""
