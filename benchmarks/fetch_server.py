"""A server that has Open Images V4, or so it says: the tables of as many images as wanted, and an image for each.

    python benchmarks/fetch_server.py PHOTO... --count 5000 --latency 0.02

Every answer comes after the latency. It prints its port. One process and a little work a request, because it takes its
share of the same cores.
"""

import argparse
import asyncio
import hashlib
from pathlib import Path

BOX_HEADER = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
)
LIST_HEADER = (
    "ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title,OriginalSize,OriginalMD5,"
    "Thumbnail300KURL,Rotation\n"
)


def tables(count: int) -> dict[str, bytes]:
    """Make the tables of the validation split, by path: one Cat an image."""
    ids = [f"{number:016x}" for number in range(count)]
    licence = "https://creativecommons.org/licenses/by/2.0/"
    texts = {
        "validation/validation-annotations-bbox.csv": BOX_HEADER
        + "".join(f"{name},xclick,/m/01yrx,1,0.1,0.9,0.1,0.9,0,0,0,0,0\n" for name in ids),
        "validation/validation-annotations-human-imagelabels-boxable.csv": "ImageID,Source,LabelName,Confidence\n"
        + "".join(f"{name},verification,/m/01yrx,1\n" for name in ids),
        "validation/validation-images-with-rotation.csv": LIST_HEADER
        + "".join(f"{name},validation,,,{licence},,Ann,Cat,,,,0.0\n" for name in ids),
        "class-descriptions-boxable.csv": "/m/01yrx,Cat\n",
    }
    return {f"/tables/2018_04/{path}": text.encode() for path, text in texts.items()}


class Connection(asyncio.Protocol):
    """Answers GET requests on a connection that stays open."""

    def __init__(self, files: dict[str, bytes], photos: list[bytes], latency_s: float) -> None:
        self.files, self.photos, self.latency_s = files, photos, latency_s
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = transport

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, self.received = self.received.split(b"\r\n\r\n", 1)
            path = head.split(b" ", 2)[1].decode()
            asyncio.get_running_loop().call_later(self.latency_s, self.answer, path)

    def answer(self, path: str) -> None:
        """Answer with the content of this path."""
        if path.startswith("/images/"):
            self.transport.write(self.photos[int(path[-20:-4], 16) % len(self.photos)])
        else:
            self.transport.write(whole_answer(self.files[path]))


def whole_answer(body: bytes) -> bytes:
    md5 = hashlib.md5(body).hexdigest()
    head = f'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nETag: "{md5}"\r\nContent-Length: {len(body)}\r\n\r\n'
    return head.encode() + body


async def serve(files: dict[str, bytes], photos: list[bytes], latency_s: float) -> None:
    answers = [whole_answer(photo) for photo in photos]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(files, answers, latency_s), "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--latency", type=float, default=0.02, metavar="SECONDS")
    options = parser.parse_args()
    asyncio.run(serve(tables(options.count), [path.read_bytes() for path in options.photos], options.latency))
