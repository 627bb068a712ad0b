"""What the processor talks about: outcomes, releases, series, change points, incidents, time.

Frozen values only; event time is in seconds since the epoch (UTC).
"""
