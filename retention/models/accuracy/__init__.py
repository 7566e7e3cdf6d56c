"""How accurate the models are on two public data sets, beside published and simple alternatives.

``python -m retention.models.accuracy --write docs/accuracy.md`` computes the table. One configuration, the shipped
default, for every set: nothing is tuned per set.
"""
