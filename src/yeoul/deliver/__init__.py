"""How results get out: a change of an incident becomes one message to each notifier, told until it is heard.

What is to be told waits in a table of the state file (`Outbox`), written in the same transaction as the change itself,
so neither a crash nor a receiver that is away loses it; whoever sends (`Notifier`) may send twice, under the same
idempotency key. To add a kind: a file with a class that has `send`, and a line in `NOTIFIERS`.
"""

from yeoul.deliver.contract import Notifier
from yeoul.deliver.outbox import Message, Outbox
from yeoul.deliver.webhook import Webhook

__all__ = ["NOTIFIERS", "Message", "Notifier", "Outbox", "Webhook"]

NOTIFIERS = {"webhook": "yeoul.deliver.webhook:Webhook"}
"""The built-in kinds of notifier, by the name a workspace uses."""
