"""Whether a payment looks like fraud: rules as data, lists, velocity, and decisions that can be replayed.

This room decides and keeps its reasons. It never moves money and never talks to a provider.
"""
