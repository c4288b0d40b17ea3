"""A slice of Open Images, laid out as it is published, and a web server that has it and can misbehave."""

import base64
import csv
import hashlib
import io
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

CAT, DOG, CAR, ROCKET = "/m/01yrx", "/m/0bt9lr", "/m/0k4j", "/m/09rvcxw"
CLASSES = {CAT: "Cat", DOG: "Dog", CAR: "Car", ROCKET: "Rocket"}

_BOX = ("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax",
        "IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")  # fmt: skip
_IMAGE = ("ImageID", "Subset", "OriginalURL", "OriginalLandingURL", "License", "AuthorProfileURL", "Author", "Title",
          "OriginalSize", "OriginalMD5", "Thumbnail300KURL", "Rotation")  # fmt: skip


def image_id(number: int) -> str:
    """As the official ones: 16 hexadecimal digits."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:16]


def photo(seed: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG of its own for each seed."""
    file = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    Image.fromarray(noise).resize(size).save(file, "JPEG")
    return file.getvalue()


def publish(count: int, originals: str = "http://127.0.0.1", split: str = "validation") -> dict[str, bytes]:
    """Paths and contents: tables of V4 below `tables/`, `count` images below `images/` and below `originals/`.

    Image `i` has a Cat; each third also two Dogs, each fifth a Car, the last a Rocket; a label says that it is no Dog.
    """
    boxes, labels, images = [], [], []
    files: dict[str, bytes] = {}
    for number in range(count):
        name, data = image_id(number), photo(number)
        original = data + b"\xff" * 7  # stray bytes after the end: another file of the same image
        mids = [CAT] + [DOG] * 2 * (number % 3 == 0) + [CAR] * (number % 5 == 0) + [ROCKET] * (number == count - 1)
        boxes += [(name, "xclick", mid, 1, 0.1, 0.9, 0.25, 0.75, 0, 0, 0, 0, 0) for mid in mids]
        labels += [(name, "verification", CAT, 1), (name, "verification", DOG, int(number % 3 == 0))]
        md5 = base64.b64encode(hashlib.md5(original).digest()).decode()
        images.append((name, split, f"{originals}/{number}.jpg", f"https://photos/{number}",
                       "https://creativecommons.org/licenses/by/2.0/", "https://people/ann", "Ann, of the \"Lake\"",
                       f"line one\nline {number}", len(original), md5, "", 0.0))  # fmt: skip
        files[f"images/{split}/{name}.jpg"] = data
        files[f"originals/{number}.jpg"] = original
    folder = f"tables/2018_04/{split}/{split}"
    files[f"{folder}-annotations-bbox.csv"] = _csv([_BOX, *sorted(boxes)])
    files[f"{folder}-annotations-human-imagelabels-boxable.csv"] = _csv([_BOX[:4], *sorted(labels)])
    list_name = "train-images-boxable" if split == "train" else f"{split}-images"
    files[f"tables/2018_04/{split}/{list_name}-with-rotation.csv"] = _csv([_IMAGE, *images])
    files["tables/2018_04/class-descriptions-boxable.csv"] = _csv(list(CLASSES.items()))
    return files


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@dataclass
class Bucket:
    """Files at an address. `fault(path, how often it was asked for)` names how an answer goes wrong:

    a status ("503"), "cut" (it breaks off), "silent", "slow" (byte by byte), "other" (another file of the same length),
    "no length". `ranges` are the parts that were asked for, and `etag` names a version of a file.
    """

    address: str
    files: dict[str, bytes]
    fault: Callable[[str, int], str | None] = lambda path, count: None
    asked: Counter[str] = field(default_factory=Counter)
    etag: Callable[[bytes], str] = lambda body: hashlib.md5(body).hexdigest()
    ranges: list[str | None] = field(default_factory=list)
    most_at_once: int = 0
    delay_s: float = 0


def some_fail(share: float) -> Callable[[str, int], str | None]:
    """That share of the requests for images fails, in one way or another, the same in every run."""

    def fault(path: str, count: int) -> str | None:
        draw = random.Random(f"{path} {count}")
        return draw.choice(["500", "503", "429", "cut", "other"]) if draw.random() < share else None

    return fault


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Bucket]:
    """A server that runs until the block ends."""
    at_once = 0
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            nonlocal at_once
            path = self.path.removeprefix("/")
            with lock:
                bucket.asked[path] += 1
                count = bucket.asked[path]
                at_once += 1
                bucket.most_at_once = max(bucket.most_at_once, at_once)
            try:
                time.sleep(bucket.delay_s)
                with suppress(ConnectionError):
                    self._answer(path, bucket.fault(path, count))
            finally:
                with lock:
                    at_once -= 1

        def _answer(self, path: str, fault: str | None) -> None:
            body = bucket.files.get(path)
            bucket.ranges.append(self.headers.get("Range"))
            status = 404 if body is None else int(fault) if fault and fault.isdigit() else 200
            body = b"" if body is None or status != 200 else body
            etag = bucket.etag(body)
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            same = self.headers.get("If-Range", f'"{etag}"') == f'"{etag}"'
            if wanted and same and status == 200:
                body, status = body[int(wanted[1]) :], 206
            if fault == "other":
                body = body[:-30] + bytes(28) + body[-2:]
            self.send_response(status)
            if etag:
                self.send_header("ETag", f'"{etag}"')
            if fault != "no length":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if fault == "silent":
                time.sleep(3)
            elif fault == "slow":
                for place in range(0, len(body), 100):
                    self.wfile.write(body[place : place + 100])
                    time.sleep(0.01)
                return
            elif fault == "cut":
                body = body[: len(body) // 2]
            self.wfile.write(body)
            self.close_connection = fault in ("cut", "silent", "no length")

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        bucket = Bucket(f"http://127.0.0.1:{server.server_port}", files)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()
