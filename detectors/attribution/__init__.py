"""Which of the concurrent releases explains a change: exposure, likelihood, posterior and evidence."""
