"""Purchase-process models ("buy till you die"): fast, stable, exact.

Estimators with ``fit(frequency, recency, T, weights=None)``, ``params_`` (names of the literature) and
``log_likelihood_``. The literature's vocabulary (`frequency`: *repeat* purchases, `recency`, `T`) lives in this package
only; :mod:`retention.models.purchases` translates at the border.
"""

from retention.models.btyd._maximise import FitReport
from retention.models.btyd.beta_geo import BetaGeoNBD, ModifiedBetaGeoNBD
from retention.models.btyd.gamma_gamma import GammaGamma
from retention.models.btyd.lifetime import discounted_purchases, lifetime_interval, lifetime_value
from retention.models.btyd.pareto import ParetoNBD
from retention.models.btyd.uncertainty import delta_interval, purchase_interval, simulate_purchases

__all__ = [
    "BetaGeoNBD",
    "FitReport",
    "GammaGamma",
    "ModifiedBetaGeoNBD",
    "ParetoNBD",
    "delta_interval",
    "discounted_purchases",
    "lifetime_interval",
    "lifetime_value",
    "purchase_interval",
    "simulate_purchases",
]
