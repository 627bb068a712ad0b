"""What must be true of a dashboard: held against itself, and what to ask a Prometheus about it."""
