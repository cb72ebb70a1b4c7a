"""Numbers over the seeds of a sweep, each with its interval: pure functions of the sweep's Dataset."""
