"""Contractual churn: will a contract that is up for renewal be renewed within its grace period?

:mod:`contracts` which contracts are due as of a date, what is known of them, and what became of them;
:mod:`training` learning it by the machinery of :mod:`retention.models.churn`; :mod:`scores` the rows of a day.
"""

from retention.models.renewal.model import RenewalModel
from retention.models.renewal.scores import rows
from retention.models.renewal.training import train_renewal

__all__ = ["RenewalModel", "rows", "train_renewal"]
