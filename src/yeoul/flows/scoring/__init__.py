"""A table in a file scored: which columns are meant, every key judged, and the answer beside the rows it is about."""

from yeoul.flows.scoring.compare import Compared, compare, usual_set
from yeoul.flows.scoring.request import TableRequest
from yeoul.flows.scoring.score import ScoredFile, score_file

__all__ = ["Compared", "ScoredFile", "TableRequest", "compare", "score_file", "usual_set"]
