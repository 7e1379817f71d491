"""What people see: an HTTP API, one live feed, web pages.

`create_app` makes the web application of a state folder, `serve` runs it until it is told to end. `contract` holds the
shape of every answer and message.
"""

from yeoul.console.app import ConsoleConfig, create_app
from yeoul.console.server import serve

__all__ = ["ConsoleConfig", "create_app", "serve"]
