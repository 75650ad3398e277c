"""Keras layers of our own."""
