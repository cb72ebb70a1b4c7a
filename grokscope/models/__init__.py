"""Models: the hooked transformer, its exact fast forward, initialisation, and foreign checkpoints."""
