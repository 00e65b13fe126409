"""The HTTP face of the venue: FastAPI routes, and connections that can be torn down."""

import asyncio
import socket
import struct

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.local.exchange.control import control_routes
from infra.local.exchange.dialect import ApiRequest
from infra.local.exchange.venue import Venue

_ABORT_WITHOUT_WAITING = struct.pack("ii", 1, 0)
"""SO_LINGER of no time at all: the system answers what is open with a reset."""


class Connections:
    """The open connections by their client's address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int] | None, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """Return uvicorn's protocol, with its connections registered here."""
        opened = self._open

        class RegisteredProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                opened[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                opened.pop(self.client, None)

        return RegisteredProtocol

    def tear(self, client: tuple[str, int], *, is_reset: bool) -> None:
        """End a connection at once, in order or by a reset, if its client has not gone already."""
        transport = self._open.get(client)
        if transport is None:
            return
        if is_reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_WITHOUT_WAITING)
            transport.abort()
        else:
            transport.close()


class NoReply(Response):
    """Ends the connection without sending a byte."""

    def __init__(self, connections: Connections, *, is_reset: bool) -> None:
        super().__init__()
        self._connections = connections
        self._is_reset = is_reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Tear the connection down and wait until it is gone."""
        self._connections.tear(tuple(scope["client"]), is_reset=self._is_reset)
        await receive()


def build_app(venue: Venue, connections: Connections) -> FastAPI:
    """Build the server's routes round one venue."""
    app = FastAPI(title="local exchange", openapi_url=None)
    app.include_router(control_routes(venue))

    async def serve(request: Request) -> Response:
        delivery = venue.receive(
            ApiRequest(
                route=f"{request.method} {request.url.path}",
                query=request.url.query,
                body=(await request.body()).decode("utf-8", "replace"),
                api_key=request.headers.get("X-MBX-APIKEY"),
                headers=dict(request.headers),
            )
        )
        if delivery.delay_s > 0:
            await asyncio.sleep(delivery.delay_s)
        reply = delivery.reply
        if reply is None:
            return NoReply(connections, is_reset=delivery.is_reset)
        return Response(reply.content, reply.status, reply.headers, reply.media_type)

    for route in venue.dialect.routes:
        method, _, path = route.partition(" ")
        app.add_api_route(path, serve, methods=[method], response_model=None)
    return app
