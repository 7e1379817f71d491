"""Serving the console: the port, the password it needs beyond loopback, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import ipaddress
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn

from yeoul.console.app import ConsoleConfig, create_app
from yeoul.console.connections import Connections, HttpConnection, LiveConnection, raise_limit
from yeoul.errors import BusyError, ConfigError, InputError

__all__ = ["serve"]

_FRAME_LIMIT_BYTES = 16 << 10
_END_WITHIN_S = 3
_PING_S = 20.0
_PONG_WITHIN_S = 60.0
_LOOK_EVERY_TICKS = 10
"""A tick is a tenth of a second."""


def serve(
    config: ConsoleConfig,
    host: str = "127.0.0.1",
    port: int = 8750,
    *,
    ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve a console until SIGTERM, SIGINT or `stop`; returns when all connections are closed.

    Args:
        config: what is shown; without `password` the one in the environment, `YEOUL_PASSWORD`, is taken.
        host: a name or address of this machine.
        port: 0 takes a free one.
        ready: called with the address, such as `http://127.0.0.1:8750`, when pages can be opened.
        stop: ends it from another thread.

    Raises:
        BusyError: another program holds the port.
        ConfigError: an address beyond loopback without a password.
        InputError: not an address of this machine, or a port that may not be taken.
    """
    if config.password is None:
        config = dataclasses.replace(config, password=os.environ.get("YEOUL_PASSWORD") or None)
    listener = _listen(host, port, needs_password=config.password is None)
    with listener:
        bound = listener.getsockname()
        beyond = not ipaddress.ip_address(bound[0]).is_loopback
        names = {*config.hosts, host} | ({socket.gethostname()} if beyond else set())
        config = dataclasses.replace(config, hosts=tuple(names), addresses=config.addresses or beyond)
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{bound[1]}"
        raise_limit()
        _Server(_settings(config), lambda: ready and ready(address), stop).run(sockets=[listener])


def _settings(config: ConsoleConfig) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(config),
        log_config=None,
        log_level="error",  # what others send wrongly would fill the log
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        http=HttpConnection,
        ws=LiveConnection,
        ws_max_size=_FRAME_LIMIT_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PONG_WITHIN_S,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_END_WITHIN_S,
    )


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and whose process ends as its caller wishes, not by the signal again."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object], stop: threading.Event | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop
        self._connections = Connections()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        if self._stop is not None and self._stop.is_set():
            self.should_exit = True
        if counter % _LOOK_EVERY_TICKS == 0:
            self._connections.look(self.server_state.connections, time.monotonic())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    def _end(self) -> None:
        # asked twice: open connections are not waited for
        self.force_exit = self.should_exit
        self.should_exit = True


def _listen(host: str, port: int, *, needs_password: bool) -> socket.socket:
    """A socket that listens at an address of this machine."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError, OverflowError) as error:
        message = f"got the address `{host}` and port `{port}`; legal: an address of this machine, 0 to 65535 ({error})"
        raise InputError(message) from None
    if needs_password and not ipaddress.ip_address(str(address[0])).is_loopback:
        message = (
            f"got the address `{host}`, which others can reach; legal without a password: 127.0.0.1; set the "
            "environment variable YEOUL_PASSWORD to open the console to the network"
        )
        raise ConfigError(message)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        _refuse(host, port, error)
        raise
    return listener


def _refuse(host: str, port: int, error: OSError) -> None:
    if error.errno == errno.EADDRINUSE:
        message = f"port `{port}` of `{host}` is in use by another program; take another one, or 0 for a free one"
        raise BusyError(message) from None
    if error.errno in {errno.EACCES, errno.EADDRNOTAVAIL, errno.EPERM}:
        message = f"got the address `{host}` and port `{port}`, which cannot be listened at here ({error.strerror})"
        raise InputError(message) from None
