"""How good a model is: scores, calibration, corruptions, plots, tables."""
