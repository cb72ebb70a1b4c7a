"""Several runs side by side: settings, events, any variable, and any figure of a run, over groups of seeds."""
