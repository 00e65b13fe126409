"""The exchange's server: bound to this machine, quiet, and gone when told to."""

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from infra.local.exchange.app import Connections, build_app
from infra.local.exchange.venue import Venue

HOST = "127.0.0.1"


class LocalServer(uvicorn.Server):
    """A uvicorn server that calls back once it listens, and ends cleanly on SIGTERM and SIGINT."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then say so."""
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's form
        """Stop; the signal is not raised again, so the process ends with status 0."""
        self.should_exit = True


def serve(venue: Venue, *, port: int, on_ready: Callable[[LocalServer, str], None]) -> None:
    """Serve a venue on a port (0: any free one) until told to stop; `on_ready` gets the server and its address."""
    connections = Connections()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        build_app(venue, connections),
        http=connections.protocol(),
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    server = LocalServer(config, lambda: on_ready(server, address))
    server.run(sockets=[listener])
