"""The three stages (ingest, judge, incidents) as pure state machines: input in, outputs out.

Each can be written out as a snapshot and resumed from one.
"""
