"""One TCP port, two protocols: the first byte of a connection decides between RESP and HTTP."""

import asyncio
import socket

from simulator.http import BAD_REQUEST, HttpSession
from simulator.resp import FIRST_BYTES, RespSession
from simulator.state import State


class Server:
    """Listens on host:port and knows its connections; lives in one asyncio loop."""

    def __init__(self, state: State):
        self.state = state
        self.connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Start to accept; the port taken, which matters when 0 was asked for. Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), host, port, reuse_address=True)
        return self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._listener.close()
        self.drop_connections()
        await self._listener.wait_closed()

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            connection.transport.abort()


class Connection(asyncio.Protocol):
    """Sniffs the first byte, then passes everything on to a session of that protocol."""

    def __init__(self, server: Server):
        self.server, self.state = server, server.state
        self.session = None

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._idle = asyncio.get_running_loop().call_later(self.state.idle_seconds, transport.close)

    def data_received(self, data):
        self._idle.cancel()
        if self.session is None:
            self._begin(data)
        if self.session is not None:
            self.session.feed(data)

    def pause_writing(self):
        self.session.block()

    def resume_writing(self):
        self.session.unblock()

    def connection_lost(self, error):
        self._idle.cancel()
        self.server.connections.discard(self)
        if self.session is not None:
            self.session.closed()

    def _begin(self, data: bytes) -> None:
        address = self.transport.get_extra_info("peername")[0]
        if data[0] not in FIRST_BYTES:
            self.session = HttpSession(self.state, self.transport, address)
        elif not self.state.resp:  # as an HTTP server in front of CPA would answer these bytes
            self.transport.write(BAD_REQUEST)
            self.transport.close()
        elif not self.state.bans.key:  # no secret-key: closed without a word
            self.transport.close()
        else:
            self.session = RespSession(self.state, self.transport, address)
