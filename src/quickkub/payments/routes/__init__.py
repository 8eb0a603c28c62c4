"""Which accounts a payment may go through and in what order: rules as data, and their pure evaluation.

Nothing here talks to a provider. A decision depends only on the rules' version, the inputs and the seed, all
of which are stored with the attempt, so it can be explained and played again at any time.
"""
