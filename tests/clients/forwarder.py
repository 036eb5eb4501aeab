"""A port that passes bytes on to another one, and remembers what was asked there."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

LISTENING_WITHIN_S = 10
_CHUNK = 64 * 1024


class Forwarder:
    """Listens without TLS, whatever the service behind it does."""

    def __init__(self, target: str, certificate: Path | None):
        self._target = urlsplit(target)
        self._tls = ssl.create_default_context(cafile=str(certificate)) if certificate else None
        self._asked = bytearray()
        self.endpoint = ""

    def asked(self, text: str) -> int:
        """Returns how often a text was in what clients sent."""
        return bytes(self._asked).count(text.encode())

    async def serve(self, listening: threading.Event) -> None:
        """Serves until `stop` is called, and says when it listens."""
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        listening.set()
        await self._stopped.wait()
        server.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = (self._target.hostname, self._target.port)
        # What is not done when the test is over is cancelled.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            from_server, to_server = await asyncio.open_connection(*address, ssl=self._tls)
            # What a server still has to say once the client has gone is of no use.
            back = asyncio.create_task(_copy(from_server, writer))
            try:
                await _copy(reader, to_server, self._asked)
            finally:
                back.cancel()
                to_server.close()
        writer.close()


@contextmanager
def forwarded(target: str, certificate: Path | None = None) -> Iterator[Forwarder]:
    """Forwards to a URL; one of https is trusted if it shows that certificate."""
    forwarder = Forwarder(target, certificate)
    listening = threading.Event()
    # Ended tasks and all when it has stopped.
    thread = threading.Thread(target=lambda: asyncio.run(forwarder.serve(listening)), daemon=True)
    thread.start()
    assert listening.wait(LISTENING_WITHIN_S)
    yield forwarder
    forwarder.stop()
    thread.join()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, seen: bytearray | None = None) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            if seen is not None:
                seen += chunk
            target.write(chunk)
            await target.drain()
        if seen is None:
            target.close()
