"""Fixtures for figures: a synthetic run and its events, and synthetic sweeps."""

from synthetic_data import ds, events, groups, sweeps, synthetic

__all__ = ["ds", "events", "groups", "sweeps", "synthetic"]
