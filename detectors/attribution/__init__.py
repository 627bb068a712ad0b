"""Which of many concurrent releases explains an incident, or that none of them does."""
