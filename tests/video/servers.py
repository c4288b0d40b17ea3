"""Live sources of the tests: what a server sends to each that connects, and then hangs up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def sending(*answers: bytes, request: bool = False) -> Iterator[int]:
    """Serve on a port: the first answer to the first that connects, and so on; with `request` after it has asked."""

    def serve() -> None:
        with suppress(OSError):
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    if request:
                        connection.recv(4096)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@contextmanager
def datagrams(content: bytes, port: int) -> Iterator[None]:
    """Send MPEG-TS over UDP, again and again, as a sender without a reader does."""
    over = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not over.is_set():
                for start in range(0, len(content), 1316):
                    with suppress(OSError):
                        sender.sendto(content[start : start + 1316], ("127.0.0.1", port))
                    over.wait(0.001)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
