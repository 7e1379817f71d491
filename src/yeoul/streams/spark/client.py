"""Settings of librdkafka in the words of Kafka's Java client, which is the one that Spark has."""

from __future__ import annotations

from collections.abc import Mapping

from yeoul.streams.spark.sql import refuse

__all__ = ["java_settings"]

_SAME = ("client.id", "sasl.mechanism", "security.protocol", "ssl.endpoint.identification.algorithm")
_OTHER = {"sasl.mechanisms": "sasl.mechanism"}
_LOGIN = ("sasl.username", "sasl.password")
_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_AUTHORITY = "ssl.ca.location"


def java_settings(stream: str, client: Mapping[str, str]) -> dict[str, str]:
    """The same settings for the Java client.

    Raises:
        ConfigError: a setting that it has no word for.

    >>> java_settings("s", {"security.protocol": "SSL", "ssl.ca.location": "ca.pem"})
    {'security.protocol': 'SSL', 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': 'ca.pem'}
    """
    found: dict[str, str] = {}
    for key, value in client.items():
        if key in _SAME or key in _OTHER:
            found[_OTHER.get(key, key)] = value
        elif key == _AUTHORITY:
            found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": value}
        elif key not in _LOGIN:
            legal = ", ".join(f"`{one}`" for one in sorted([*_SAME, *_OTHER, *_LOGIN, _AUTHORITY]))
            raise refuse(stream, "source.client", f"`{key}`", legal)
    if any(key in client for key in _LOGIN):
        mechanism = found.get("sasl.mechanism", "PLAIN")
        if mechanism not in _MODULES:
            raise refuse(stream, "source.client", f"a password with `{mechanism}`", ", ".join(_MODULES))
        user, password = (client.get(key, "").replace("\\", "\\\\").replace('"', '\\"') for key in _LOGIN)
        found["sasl.jaas.config"] = f'{_MODULES[mechanism]} required username="{user}" password="{password}";'
    return found
