"""A network and its data -> trained weights, a log of the epochs, a folder of results."""
