"""The benchmark of the detectors: cells, streams, references, calibration and scores.

Pure like everything in `detectors`: randomness is an argument, and nothing here reads a clock.
"""
