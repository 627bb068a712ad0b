"""How often an incident is one page: simulated counts through the real judge and incidents stages.

`python -m streams.wiring.evaluation.pages --seeds 101-110 --quiet-days 30` prints the figures as
JSON.
"""
