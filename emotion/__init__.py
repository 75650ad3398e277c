"""Reads the expression on a face: training on the Keras side, recognition on the LiteRT side."""
