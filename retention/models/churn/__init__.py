"""Churn: will a purchaser place no order within the horizon?

:mod:`inputs` what the purchase process says beside the features; :mod:`smooth` the logistic learner;
:mod:`model` the fitted model; :mod:`silence` other horizons; :mod:`lengthening` horizons longer than the outcomes;
:mod:`level` the level of the coming season; :mod:`fitting` learning it all.
"""

from retention.models.churn.fitting import fit_churn
from retention.models.churn.inputs import process_churn
from retention.models.churn.model import ChurnModel

__all__ = ["ChurnModel", "fit_churn", "process_churn"]
