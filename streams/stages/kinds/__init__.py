"""Kinds of change beside the success ratio: one module each, closed windows in, points out."""
