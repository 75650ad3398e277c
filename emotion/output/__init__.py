"""Frames and faces -> window, pictures, clips, rows, timeline."""
