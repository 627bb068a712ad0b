"""Which concurrent release explains a change: exposure, likelihood, posterior and evidence."""
