"""Chughtai et al. 2023: its numbers, what is measured beside them, the check of the rank, the figures."""
