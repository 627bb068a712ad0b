"""Kafka by librdkafka: everything but the Faust agents' own consumer."""
