"""Pure statistics on arrays: change points over many series, their scope, their explanation.

Nothing here knows keys, clocks, files or Kafka: time and randomness are arguments.
"""
