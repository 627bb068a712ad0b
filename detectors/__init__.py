"""Pure statistics on arrays: change points over many series, their scope, and what could explain them.

Nothing here knows keys, clocks, files or Kafka: time and randomness are arguments.
"""
