"""What a service may be like."""

import pytest

from yeoul.demo import ServiceConfig
from yeoul.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("late", -0.1),
        ("duplicates", 0.6),
        ("malformed", 2),
        ("customers", 0),
        ("titles", 0),
        ("hosts", 0),
        ("seed", -1),
        ("rate_eps", 0),
        ("rhythm", 1.5),
        ("disorder_s", 9),
    ],
)
def test_a_value_that_means_nothing_is_refused_by_name(name: str, value: float):
    with pytest.raises(ConfigError, match=rf"{name}: got `{value}`; legal: "):
        ServiceConfig(**{name: value})


def test_all_mistakes_are_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        ServiceConfig(late=2, hosts=0, rhythm=-1)
    assert len(caught.value.problems) == 3


def test_a_clean_service_keeps_everything_but_the_dirt():
    config = ServiceConfig(seed=4, rate_eps=7.0, customers=11)
    clean = config.clean()
    assert (clean.seed, clean.rate_eps, clean.customers) == (4, 7.0, 11)
    assert [clean.disorder_s, clean.late, clean.duplicates, clean.malformed, clean.future, clean.text_hits] == [0.0] * 6
