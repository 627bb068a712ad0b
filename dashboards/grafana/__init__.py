"""Grafana dashboards as code."""

import warnings

# At import the SDK announces that it prefers another kind of dashboard, which only the newest
# Grafana reads: passed over here, once, before any module of this package imports it.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.builders.prometheus  # noqa: F401
