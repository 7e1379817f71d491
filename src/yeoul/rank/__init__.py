"""What is hot: keys ordered by what happened lately, over all and within scopes, with the numbers behind each place.

A ranking is given the counts of each closed window for all keys at once and says places, counts, trends and movements
at any moment (`contract.py`). To add one: a file with a config class that has `build`, and a line in `RANKINGS`; the
contract suite picks it up.
"""

from yeoul.rank.contract import OVERALL, Names, Places, Ranking, RankingConfig
from yeoul.rank.hot import Hot, HotConfig

__all__ = ["OVERALL", "RANKINGS", "Hot", "HotConfig", "Names", "Places", "Ranking", "RankingConfig"]

RANKINGS = ("yeoul.rank.hot:HotConfig",)
"""The built-in rankings, by their config classes."""
