"""Counted by SQL, fitted to the same model as from one row per customer."""

from __future__ import annotations

import numpy as np
import pytest

from retention import features
from retention.features import MissingSlice
from retention.models.btyd import BetaGeoNBD, GammaGamma
from retention.models.btyd.sufficient import purchase_histories, repeat_order_values
from retention.models.purchases import purchases
from retention.warehouse import Run
from tests.retention.models.day import published_features


def test_counts_of_the_database_give_the_model_of_the_customers(company_run: Run) -> None:
    with pytest.raises(MissingSlice):
        purchase_histories(company_run)
    features.build(company_run)
    people = purchases(published_features(company_run))
    counted, values = purchase_histories(company_run), repeat_order_values(company_run)
    assert counted["customers"].sum() == len(people.frequency)
    assert len(counted) < len(people.frequency)
    assert values["customers"].sum() == people.valued.sum()

    whole = BetaGeoNBD().fit(people.frequency, people.recency, people.T)
    grouped = BetaGeoNBD().fit(counted["frequency"], counted["recency"], counted["T"], counted["customers"])
    assert grouped.log_likelihood_ == pytest.approx(whole.log_likelihood_, rel=1e-13)
    assert grouped.params_ == pytest.approx(whole.params_, rel=1e-9)
    np.testing.assert_allclose(grouped.log_covariance_, whole.log_covariance_, rtol=1e-6)

    spending = GammaGamma().fit(people.frequency[people.valued], people.mean_value[people.valued])
    by_pair = GammaGamma().fit(values["frequency"], values["mean_value"], values["customers"])
    assert by_pair.params_ == pytest.approx(spending.params_, rel=1e-9)
