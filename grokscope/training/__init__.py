"""Training: the loop, optimisers, evaluation, and what is kept."""
