"""Customer lifetime value: a purchase process and two-stage boosting, blended, with intervals that hold what they say.

`ValueModel.fit` learns, `ValueModel.predict` answers for any horizon; :mod:`retention.models.value.margin` turns net
value into net margin where costs are known, :mod:`retention.models.value.scores` writes the rows of `scores.clv`.
"""

from retention.models.value.model import TooLittleData, ValueModel

__all__ = ["TooLittleData", "ValueModel"]
