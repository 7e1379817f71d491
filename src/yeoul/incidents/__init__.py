"""The life of an incident: alarms of keys become one thing that opens, grows, merges with others and closes.

A pure state machine, `Incidents`: sightings of a tick in, changes out. No clock, no file, no network.
"""

from yeoul.incidents.machine import Incidents, IncidentsConfig
from yeoul.incidents.model import Change, Contributor, Incident, Link, Sighting

__all__ = ["Change", "Contributor", "Incident", "Incidents", "IncidentsConfig", "Link", "Sighting"]
