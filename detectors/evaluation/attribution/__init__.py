"""The benchmark of attribution: simulated incidents, baselines, scores and goals.

The fleets are drawn from another family than the ranking assumes, so that it cannot win by being
right about the simulator.
"""
