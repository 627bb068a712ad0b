"""The stream processor: outcomes and releases in, windows, change points and incidents out.

The pure part (domain, formats, windows, stages) turns values into values; adapters and the replay
drive it from Kafka or from files; ``wiring`` puts a running processor together and ``cli`` is the
command.
"""
