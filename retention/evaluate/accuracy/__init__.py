"""Accuracy on public data, beside published alternatives, by `retention evaluate` as it is shipped.

``python -m retention.evaluate.accuracy --write docs/accuracy.md`` computes the table. One configuration, the shipped
default, for every set: nothing is tuned per set.
"""
