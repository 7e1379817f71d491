"""How one row was classed and why: from its file, the decoder and the kept state, also beside a running engine.

`explain` is the way in. It reads only; what cannot be known for certain any more is said to be so.
"""

from yeoul.flows.explain.explained import Explained, WindowNow
from yeoul.flows.explain.verdict import explain

__all__ = ["Explained", "WindowNow", "explain"]
