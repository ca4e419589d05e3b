"""Serve an ASGI application on a local socket."""

import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from .service import RESET

LOOPBACK = "127.0.0.1"


@contextmanager
def serving(app: ASGIApp, port: int = 0, host: str = LOOPBACK) -> Generator[str]:
    """Serve in a thread while the block runs, and yield the URL, without a trailing slash.

    Connections are accepted from the start of the block. At its end requests still running get a 500.

    Args:
        app: The application.
        port: Port to listen on; 0 picks a free one.
        host: Address or name of this machine to listen on.

    Raises:
        OSError: The port is taken, or this machine has no such address.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # asyncio sets TCP_NODELAY only where the protocol is spelled out; without it each answer waits 40 ms for an ACK.
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
        server = uvicorn.Server(
            uvicorn.Config(
                _resettable(app),
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                log_level="critical",
                server_header=False,
                timeout_graceful_shutdown=0,
            )
        )
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="readahead-sandbox", daemon=True)
        thread.start()
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _resettable(app: ASGIApp) -> ASGIApp:
    """Add an extension by which the application resets a connection; ASGI has none."""

    async def resettable(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)  # of uvicorn's cycle

        def reset() -> None:
            assert transport is not None
            # Without lingering, closing discards what is unsent and resets (RFC 9293, 3.10.7.1).
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

        extensions = {**scope.get("extensions", {}), RESET: reset}
        await app({**scope, "extensions": extensions}, receive, send)

    return resettable
