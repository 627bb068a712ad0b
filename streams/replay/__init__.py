"""The same stages driven from files instead of Kafka."""
