"""Addresses: what answers a connection, which port is free; nothing is sent."""

from __future__ import annotations

import errno
import socket
from urllib.parse import urlsplit

from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.flows.plan import Notifier, Plan

__all__ = ["brokers_check", "can_connect", "notifier_checks", "port_check"]

_TIMEOUT_S = 2.0


def can_connect(host: str, port: int, timeout_s: float = _TIMEOUT_S) -> str:
    """Why a TCP connection cannot be made; an empty text when it can."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return ""
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except socket.gaierror:
        return f"the name `{host}` is not known"
    except OSError as error:
        return error.strerror or str(error)


def brokers_check(verdicts: Verdicts, bootstrap: str) -> bool:
    """Whether one of the brokers answers a connection; those that do not are told."""
    brokers = [each.strip() for each in bootstrap.split(",")]
    away = {broker: why for broker in brokers if (why := _why_not(broker))}
    for broker, why in away.items():
        add = verdicts.fail if len(away) == len(brokers) else verdicts.warn
        add(f"{broker} cannot be reached ({why})", "start the broker or correct `bootstrap`")
    return len(away) < len(brokers)


def _why_not(broker: str) -> str:
    host, _, port = broker.rpartition(":")
    return can_connect(host.strip("[]"), int(port))


def notifier_checks(plan: Plan) -> list[Check]:
    """Whether each notifier's address answers a connection."""
    return [check for notifier in plan.notifiers for check in _notifier(notifier)]


def _notifier(notifier: Notifier) -> list[Check]:
    verdicts = Verdicts(f"notify {notifier.name}")
    parts = urlsplit(notifier.url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        verdicts.fail(f"`{parts.netloc}` has no legal port", "correct `url`: ports are 1 to 65535")
        return verdicts.found
    host = parts.hostname or ""
    # the rest of the address may hold a secret
    why = can_connect(host, port)
    if why:
        advice = "start the receiver or correct `url`; messages wait and are sent again until it is there"
        verdicts.warn(f"{host}:{port} cannot be reached ({why})", advice)
    else:
        verdicts.ok(f"{host}:{port} answers (nothing was sent)")
    return verdicts.found


def port_check(host: str, port: int, *, running: bool) -> Check:
    """Whether the console can listen; `running`: an engine of the same workspace is at work, mostly with a console."""
    verdicts = Verdicts("console")
    if port == 0:
        verdicts.ok("takes any free port")
        return verdicts.found[0]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], found[1]) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(found[4])
        verdicts.ok(f"{host}:{port} is free")
    except socket.gaierror:
        verdicts.fail(f"`{host}` is no address of this machine", "correct `host` in [console]")
    except OSError as error:
        if error.errno == errno.EADDRINUSE and running:
            verdicts.ok(f"{host}:{port} is in use, as it is while this workspace runs")
        elif error.errno == errno.EADDRINUSE:
            advice = "stop what listens there, or choose another: `port` in [console], or `yeoul run --port 0`"
            verdicts.fail(f"{host}:{port} is in use by another program", advice)
        elif error.errno == errno.EACCES:
            verdicts.fail(f"{host}:{port} may not be used by you", "choose a port above 1023: `port` in [console]")
        else:
            verdicts.fail(f"{host}:{port} cannot be used ({error.strerror})", "correct `host` and `port` in [console]")
    return verdicts.found[0]
