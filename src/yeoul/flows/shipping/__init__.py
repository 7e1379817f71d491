"""Lines of files to a topic, as they are written: whole or pruned, each acknowledged before its position moves."""

from yeoul.flows.shipping.ship import Shipped, ship

__all__ = ["Shipped", "ship"]
