"""A model of contracts that will not be renewed."""

from __future__ import annotations

from typing import ClassVar

from retention.models.churn.model import ChurnModel


class RenewalModel(ChurnModel):
    """A churn model whose rows are contracts; `horizon_days` is the look-ahead and the grace period together.

    Holders of contracts need not be purchasers, so there is no purchase process in it.
    """

    kind: ClassVar[str] = "renewal"
