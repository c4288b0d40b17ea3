"""Start, overload, reload and end of a server."""

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

import boxable
from tests.serving.conftest import CHELSEA, Server, Start, wait_for

pytestmark = pytest.mark.serving


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_under_load_answers_every_request_that_was_accepted(start: Start, workers: str) -> None:
    with start("--workers", workers) as server:
        results: Counter[str] = Counter()
        threads = [threading.Thread(target=requests_until_refused, args=(server.address, results)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        assert server.process.wait(30) == 0
    assert results["200"] > 4
    assert not set(results) - {"200", "503", "refused"}, results


def requests_until_refused(address: str, results: Counter[str]) -> None:
    """Detect again and again, each time on a new connection; note answers, and connections that break off."""
    data = CHELSEA.read_bytes()
    while True:
        try:
            results[str(httpx.post(f"{address}/v1/detect", content=data, timeout=30).status_code)] += 1
        except httpx.ConnectError:
            results["refused"] += 1
            return
        except httpx.TransportError as error:
            results[repr(error)] += 1
            return


def test_what_does_not_fit_in_the_queue_is_refused_at_once_and_the_rest_is_right(
    start: Start, detector: boxable.Detector
) -> None:
    expected, found, lock = detector(CHELSEA).scores.tolist(), Counter[int](), threading.Lock()

    def ask(address: str) -> None:
        answer = httpx.post(f"{address}/v1/detect", content=CHELSEA.read_bytes(), timeout=60)
        if answer.status_code == 200:
            assert [item["score"] for item in answer.json()["detections"]] == pytest.approx(expected, abs=1e-5)
        else:
            assert answer.headers["retry-after"] == "1"
        with lock:
            found[answer.status_code] += 1

    with start("--queue", "2") as server:
        threads = [threading.Thread(target=ask, args=(server.address,)) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        metrics = server.client.get("/metrics").text
    assert found.total() == 40
    assert set(found) == {200, 503}
    assert f'boxable_rejections_total{{reason="queue_full"}} {float(found[503])}' in metrics


def test_sighup_loads_the_models_again(start: Start) -> None:
    with start() as server:
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the models were loaded again" in server.log.read_text())
        assert server.client.post("/v1/detect", content=CHELSEA.read_bytes()).status_code == 200


def test_all_workers_load_the_models_again_at_sighup(start: Start) -> None:
    with start("--workers", "2") as server:
        wait_for(lambda: server.log.read_text().count("serving ssd23 at") == 2)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.log.read_text().count("the models were loaded again") == 2)
        assert server.client.get("/readyz").status_code == 200


def test_sighup_ends_no_worker_that_starts(start: Start) -> None:
    with start("--workers", "2") as server:
        for _ in range(20):
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        wait_for(lambda: server.log.read_text().count("serving ssd23 at") == 2)
        assert "a worker ended" not in server.log.read_text()


def test_figures_name_routes_by_their_path(server: Server) -> None:
    server.client.post("/v1/detect", content=CHELSEA.read_bytes())
    for path in ("/v2/models/ssd23/config", "/nothing"):
        server.client.get(path)
    metrics = server.client.get("/metrics").text
    for route in ("/v1/detect", "/v2/models/{model:path}/config", "other"):
        assert f'boxable_requests_total{{route="{route}",status=' in metrics


@pytest.fixture
def two_cores() -> Iterator[None]:
    """Let this process, and those that it starts, run on two cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:2])
    yield
    os.sched_setaffinity(0, cores)


@pytest.mark.usefixtures("two_cores")
def test_a_form_of_large_images_takes_the_memory_of_a_few(start: Start) -> None:
    file = io.BytesIO()
    Image.new("L", (6500, 6500)).save(file, "PNG")
    pixels_mb, count = 6500 * 6500 * 3 / 1e6, 16
    with start() as server:

        def peak_mb() -> int:
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            return int(status.partition("VmHWM:")[2].split()[0]) // 1024

        before = peak_mb()
        answer = server.client.post(
            "/v1/detect", files=[("image", (f"{n}.png", file.getvalue())) for n in range(count)]
        )
        assert [record["width"] for record in answer.json()] == [6500] * count
        assert peak_mb() - before < pixels_mb * count * 0.6  # two at a time, in several forms


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_request_that_does_not_end_is_given_up_after_the_grace_time(start: Start, workers: str) -> None:
    with start("--grace", "1", "--workers", workers) as server:
        host, _, port = server.address.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
            time.sleep(0.3)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert connection.recv(4096).startswith(b"HTTP/1.1 503 ")
            assert server.process.wait(20) == 0
            assert 1 < time.monotonic() - began < 6
        assert "Traceback" not in server.log.read_text()


def test_a_worker_that_ends_is_started_again(start: Start) -> None:
    with start("--workers", "2") as server:
        wait_for(lambda: server.log.read_text().count("serving ssd23 at") == 2)
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        wait_for(lambda: "starting another" in server.log.read_text())
        wait_for(lambda: server.log.read_text().count("serving ssd23 at") == 3)
        assert httpx.post(f"{server.address}/v1/detect", content=CHELSEA.read_bytes(), timeout=30).is_success


def test_figures_of_all_workers_are_added_up(start: Start) -> None:
    with start("--workers", "2") as server:
        for _ in range(12):
            assert httpx.post(f"{server.address}/v1/detect", content=CHELSEA.read_bytes(), timeout=30).is_success
        for path in ("/metrics", "/monitoring/prometheus/metrics"):
            assert 'boxable_inferences_total{model="ssd23"} 12.0' in server.client.get(path).text


def test_with_keys_only_probes_and_the_page_are_open(start: Start, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"# operators\nsha256:{hashlib.sha256(b'open sesame').hexdigest()}\n")
    with start("--keys", str(keys)) as server:
        for path in ("/", "/assets/page.js", "/healthz", "/v2/health/live"):
            assert server.client.get(path).status_code == 200
        for path in ("/v1/models", "/metrics", "/v2/models/ssd23", "/openapi.json"):
            assert server.client.get(path).status_code == 401
            assert server.client.get(path, headers={"authorization": "Bearer close"}).status_code == 401
            assert server.client.get(path, headers={"authorization": "Bearer open sesame"}).status_code == 200
        assert server.client.get("/v1/models", headers={"x-api-key": "open sesame"}).status_code == 200


def test_a_browser_may_ask_without_a_key_whether_it_may_send_one(start: Start, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(hashlib.sha256(b"open sesame").hexdigest())
    asks = {"origin": "https://example.org", "access-control-request-method": "POST"}
    with start("--keys", str(keys), "--origin", "https://example.org") as server:
        answer = server.client.options("/v1/detect", headers=asks)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"


def test_silent_connections_are_closed(server: Server) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert connection.recv(1) == b""


def test_other_sites_may_call_only_if_they_are_named(start: Start, server: Server) -> None:
    origin = {"origin": "https://example.org"}
    assert "access-control-allow-origin" not in server.client.get("/v1/models", headers=origin).headers
    with start("--origin", "https://example.org") as other:
        answer = other.client.get("/v1/models", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"


def test_a_refusal_can_be_read_by_other_sites_too(start: Start, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{hashlib.sha256(b'secret').hexdigest()}  -\n")  # as sha256sum writes it
    origin = {"origin": "https://example.org"}
    with start("--origin", "https://example.org", "--keys", str(keys)) as server:
        for given, text in ((None, "expected a key"), ("other", "not one of those accepted")):
            answer = server.client.get("/v1/models", headers=origin | ({"x-api-key": given} if given else {}))
            assert (answer.status_code, text in answer.text) == (401, True)
            assert answer.headers["access-control-allow-origin"] == "https://example.org"
        assert server.client.get("/v1/models", headers=origin | {"x-api-key": "secret"}).status_code == 200


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--models", "none"], 2, "none"),
        (["--port", "99999999"], 2, "--port"),
        (["--host", "256.0.0.1"], 1, "cannot listen on 256.0.0.1:0"),
        (["--keys", os.devnull], 2, "expected a SHA-256 hash on each line, got none"),
        (["--keys", str(CHELSEA)], 2, "line 1: expected a SHA-256 hash"),
        (["--origin", "example.org"], 2, "example.org: expected a scheme and a host"),
        (["--origin", "https://example.org/page"], 2, "expected a scheme and a host"),
        (["--models", " ,"], 2, "expected names of models"),
        (["--models", "ssd23,mediapipe/ssd_mobilenet_v2_oidv4_23"], 1, "served already"),
        (["--models", "ssd23,ssd23", "--workers", "2"], 1, "served already"),
        (["--classes", "Unicorn"], 2, "Unicorn"),
        (["--models", "none", "--workers", "2"], 2, "none"),
    ],
)  # fmt: skip
def test_what_cannot_start_says_why_in_one_line(options: list[str], code: int, text: str, ssd23_weights: Path) -> None:
    command = [sys.executable, "-m", "boxable", "serve", "--models", "ssd23", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert text in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_an_error(server: Server) -> None:
    port = server.address.rpartition(":")[2]
    command = [sys.executable, "-m", "boxable", "serve", "--models", "ssd23", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Address already in use" in done.stderr


def test_a_client_that_goes_away_leaves_the_queue(server: Server) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    body = CHELSEA.read_bytes()
    head = f"POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head + body)
    wait_for(lambda: "boxable_queue_depth 0.0" in server.client.get("/metrics").text)
    wait_for(lambda: 'reason="disconnected"' in server.client.get("/metrics").text)
