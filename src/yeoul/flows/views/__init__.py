"""What pages show, read from the state file and the engine's newest message; nothing here changes anything.

`Views` is the way in. Its answers are plain members, shaped as the console's contract says.
"""

from yeoul.flows.views.live import Live, parse_live
from yeoul.flows.views.names import Names
from yeoul.flows.views.planted import PlantedView, planted_label
from yeoul.flows.views.views import EngineSeen, Views

__all__ = ["EngineSeen", "Live", "Names", "PlantedView", "Views", "parse_live", "planted_label"]
