"""Simulated fleets and incidents, as data, deterministic by seed, with the truth beside them."""
