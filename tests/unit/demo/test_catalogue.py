"""Customers and titles."""

import csv
from pathlib import Path

import pytest

from yeoul.demo import Catalogue, ServiceConfig
from yeoul.errors import InputError


def test_every_key_and_every_name_stands_once():
    catalogue = Catalogue(ServiceConfig(customers=400, titles=3000))
    for names in (
        catalogue.customer_keys,
        catalogue.title_keys,
        [catalogue.customer_name(rank) for rank in range(400)],
        [catalogue.title_name(rank) for rank in range(3000)],
    ):
        assert len(set(names)) == len(names)


def test_shares_are_zipf_and_sum_to_one():
    catalogue = Catalogue(ServiceConfig(customers=100, customer_exponent=0.9))
    assert catalogue.customer_share.sum() == pytest.approx(1)
    assert catalogue.customer_share[0] / catalogue.customer_share[9] == pytest.approx(10**0.9)


def test_a_key_does_not_tell_its_rank():
    catalogue = Catalogue(ServiceConfig())
    assert catalogue.title_keys != sorted(catalogue.title_keys)
    assert catalogue.title_rank(catalogue.title_keys[17]) == 17


@pytest.mark.parametrize(("method", "wrong"), [("customer_rank", "CP9999"), ("title_rank", "M1")])
def test_an_unknown_key_is_refused_with_a_legal_one(method: str, wrong: str):
    with pytest.raises(InputError, match=f"got the .* `{wrong}`; legal: one of"):
        getattr(Catalogue(ServiceConfig()), method)(wrong)


def test_lookup_tables_name_every_key(tmp_path: Path):
    catalogue = Catalogue(ServiceConfig(customers=7, titles=9))
    catalogue.write_lookups(tmp_path)
    with (tmp_path / "titles.csv").open(encoding="utf-8") as file:
        titles = list(csv.DictReader(file))
    with (tmp_path / "customers.csv").open(encoding="utf-8") as file:
        customers = list(csv.DictReader(file))
    assert {row["base_mck"] for row in titles} == set(catalogue.title_keys)
    assert {row["cpk"] for row in customers} == set(catalogue.customer_keys)
    assert all(row["title"] for row in titles)
    assert all(row["name"] for row in customers)
