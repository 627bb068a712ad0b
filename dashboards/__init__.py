"""Grafana dashboards and Prometheus rules as code, from the catalogue in ``streams.telemetry``."""
