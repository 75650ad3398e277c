"""Faces from frame to frame of a video: detected, followed, smoothed."""
