"""The run directory: what is on disk, opening it, and one run at one step (Snapshot)."""
