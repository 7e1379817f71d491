"""The webhook: one JSON document posted for each change of an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from yeoul.deliver.sentence import sentence
from yeoul.errors import InputError, TransientError

__all__ = ["Webhook"]

_AGAIN = frozenset({408, 421, 423, 425, 429})
"""Refusals (4xx) that pass by themselves; those of the server (5xx) do too."""


class Webhook:
    """Posts to one address.

    The document holds the members of the message and `text`, one sentence for people. Any answer from 200 to 299 means
    heard; what the answer says is not read. Redirects are not followed. The idempotency key is in the header
    `Idempotency-Key`.
    """

    def __init__(self, url: str, timeout_s: float = 5.0, headers: Iterable[tuple[str, str]] = ()) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._headers = dict(headers)
        self._client: Any = None

    def send(self, body: Mapping[str, Any], *, idempotency_key: str) -> None:
        import httpx  # noqa: PLC0415 - heavy, and needed only where somebody is told

        if self._client is None:
            self._client = httpx.Client(timeout=self._timeout_s)
        document = msgspec.json.encode({"text": sentence(body), **body})
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key, **self._headers}
        try:
            with self._client.stream("POST", self._url, content=document, headers=headers) as answer:
                status = answer.status_code
        except httpx.TransportError as error:
            message = f"`{self._address()}` did not answer ({_reason(error)}); it is tried again"
            raise TransientError(message) from error
        except (httpx.InvalidURL, ValueError) as error:
            message = f"got the address `{self._address()}`, which cannot be used ({error}); legal: http:// or https://"
            raise InputError(message) from error
        self._judge(status)

    def _judge(self, status: int) -> None:
        if 200 <= status < 300:
            return
        if status >= 500 or status in _AGAIN:
            message = f"`{self._address()}` answered {status}; it is tried again"
            raise TransientError(message)
        message = f"`{self._address()}` refused with {status}; legal: 200 to 299; correct the address or its headers"
        raise InputError(message)

    def _address(self) -> str:
        """Scheme and host only: paths and queries of webhooks hold secrets."""
        scheme, _, rest = self._url.partition("://")
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
