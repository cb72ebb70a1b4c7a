"""Fixtures for pages in a browser: the figures' synthetic runs."""

from synthetic_data import ds, events, groups, synthetic

__all__ = ["ds", "events", "groups", "synthetic"]
