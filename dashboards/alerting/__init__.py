"""Alerts as code: their rules, their texts, and where they go."""
