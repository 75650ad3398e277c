"""The server of a run's page: threads with limits, from before the first frame to the end."""

import contextlib
import errno
import os
import socket
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any

from emotion.errors import EmotionError, SettingsError
from emotion.output.keeper import Keeper
from emotion.view.address import Address
from emotion.view.handler import Handler
from emotion.view.latest import Latest
from emotion.view.site import STREAMS, Site

_CONNECTIONS = STREAMS + 64  # at once: as many again may be asking for something short
_FAREWELL = 1.0  # seconds for viewers to be told of the end
_POLL = 0.1  # seconds between two looks whether the run is over


class View:
    """A page to watch the run at, until the `with` block is left; viewers are told why.

    `latest` is where the run leaves its frames, `url` what to open in a browser. `keeper` does what
    the page's buttons ask for. From here on connections are accepted and wait for the block.

    Raises SettingsError when nobody can listen at the address, as where its port is in use.
    """

    def __init__(self, address: Address, keeper: Keeper) -> None:
        site = Site(address, keeper)
        self.latest: Latest = site.latest
        self._server = _listening(address, site)
        self.url = Address(address.host, self._server.server_port).url(site.token)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="view", daemon=True
        )

    def __enter__(self) -> "View":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        why = "it was stopped" if error else "all is done"
        self.latest.end(str(error) if isinstance(error, EmotionError) else why)
        self._server.wait_until_idle(_FAREWELL)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _listening(address: Address, site: Site) -> "_Server":
    try:
        return _Server(address, site)
    except OSError as error:
        why = {
            errno.EADDRINUSE: "is in use: end what uses it, or give another",
            errno.EACCES: "may not be listened at: give one above 1023",
            errno.EADDRNOTAVAIL: "cannot be had, for this machine has no such address: 0.0.0.0 "
            "stands for all that it has",
        }.get(error.errno or 0, f"cannot be listened at: {error.strerror}")
        raise SettingsError([f"VIEW: port {address.port} of {address.host} {why}"]) from error


class _Server(ThreadingHTTPServer):
    """A thread for each connection, up to a limit; none of them keeps the program from ending."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = os.name == "posix"  # on Windows it would share a port that is in use

    def __init__(self, address: Address, site: Site) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._changed = threading.Condition()
        self._connections = 0
        super().__init__((address.host, address.port), partial(Handler, site))

    def server_bind(self) -> None:
        """Without asking a name server for this machine's name, as HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; where too many are under way, refuse at once."""
        with self._changed:
            full = self._connections >= _CONNECTIONS
            self._connections += not full
        if full:
            self._refuse(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the system has no thread to give
            self._left()
            self._refuse(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for others."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._left()

    def _refuse(self, request: Any) -> None:
        with contextlib.suppress(OSError):
            request.setblocking(False)
            request.send(b"HTTP/1.0 503 Service Unavailable\r\n\r\ntoo many connections\n")
        self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Viewers go away when they like; anything else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def wait_until_idle(self, timeout: float) -> None:
        """Until nobody is being answered, or `timeout` seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._connections, timeout)

    def _left(self) -> None:
        with self._changed:
            self._connections -= 1
            self._changed.notify_all()
