"""Routes to instances over a real daemon and real workers: what the plugin is given, limits, WebSockets, many instances at
once, swaps and kills under a constant load.

    LONGHAUL_REQUESTS=10000 LONGHAUL_INSTANCES=50   mixed requests (600 over 8 otherwise)
    LONGHAUL_BODY_MIB=10240                         of the large body (48 otherwise)
    LONGHAUL_SWAPS=100 LONGHAUL_KILLS=100           under load (3 of each otherwise)"""
import collections
import json
import os
import queue
import random
import signal
import socket
import struct
import threading
import unittest
from pathlib import Path

import harness
from harness import UnixConnection, WAIT_S, until
from steady_load import Builds

REQUESTS = int(os.environ.get("LONGHAUL_REQUESTS", "600"))
INSTANCES = int(os.environ.get("LONGHAUL_INSTANCES", "8"))
BODY_MIB = int(os.environ.get("LONGHAUL_BODY_MIB", "48"))
SWAPS = int(os.environ.get("LONGHAUL_SWAPS", "3"))
KILLS = int(os.environ.get("LONGHAUL_KILLS", "3"))
SEED = int(os.environ.get("LONGHAUL_SEED", "7"))
THREADS = 8
GROWTH_MIB = 64  # while a body of any size goes through
OPEN = {"http": {"access": "none"}}


def resident_mib(pid):
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


class Route:
    """One connection of a client to the routes of a daemon."""

    def __init__(self, daemon):
        self.connection = UnixConnection(daemon.socket, WAIT_S)

    def ask(self, method, path, body=None, fields=None, chunked=False):
        self.connection.request(method, f"/instance/execute/{path}", body=body, headers=fields or {}, encode_chunked=chunked)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def close(self):
        self.connection.close()


class WebSocket:
    """Enough of RFC 6455 for a test."""

    def __init__(self, daemon, path, more=""):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(str(daemon.socket))
        self.socket.sendall(f"GET /instance/execute/{path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n".encode())
        self.input = self.socket.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            line = self.input.readline()
            if not line:
                break
            self.head += line

    def send(self, opcode, payload):
        size = len(payload)
        head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else
                                         b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size))
        self.socket.sendall(head + b"\0\0\0\0" + payload)

    def receive(self):
        first, size = self.input.read(2)
        if size == 126:
            size = struct.unpack(">H", self.input.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.input.read(8))[0]
        return first & 15, self.input.read(size)

    def close(self):
        self.input.close()
        self.socket.close()


class ExecuteTest(harness.DaemonTest):
    def routed(self, *names, settings=""):
        daemon = self.daemon("test_requests", started=False)
        (daemon.folder / "longhaul.yaml").write_text(settings)
        daemon.start()
        for name in names:
            daemon.put_instance(name, "test-requests", **OPEN)
        for name in names:
            daemon.wait_known(name)
            daemon.wait(name)
        return daemon

    def test_what_an_instance_is_given_and_what_the_client_gets(self):
        daemon = self.routed("edge")
        daemon.put_instance("closed", "test-requests")
        daemon.wait_known("closed")
        route = Route(daemon)
        answer, body = route.ask("PROPFIND", "edge/a%20b/?x=%2F", b"hello", {"X-Forwarded-For": "1.2.3.4", "X-Mine": "yes"})
        self.assertEqual(answer.status, 200)
        given = json.loads(body)
        fields = dict(given["fields"])
        self.assertEqual((given["method"], given["path"], given["query"], given["body"], given["contentLength"]),
                         ("PROPFIND", "/a%20b/", "x=%2F", "hello", 5))
        self.assertEqual((given["requestUri"], given["clientAddress"]), ("/instance/execute/edge/a%20b/?x=%2F", "unix"))
        self.assertEqual((fields["x-mine"], fields["x-request-uri"]), ("yes", given["requestUri"]))
        self.assertNotIn("x-forwarded-for", fields)
        self.assertIn("sandbox", answer.getheader("content-security-policy"))

        self.assertEqual(len(route.ask("GET", "edge/stream?bytes=3000000")[1]), 3_000_000)
        answer, body = route.ask("HEAD", "edge/stream?bytes=1000&length=1")
        self.assertEqual((answer.getheader("content-length"), body), ("1000", b""))
        data = random.Random(SEED).randbytes(100_000)  # it comes back before all of it is sent
        answer, body = route.ask("POST", "edge/back", data)
        self.assertEqual(body, data)
        route.close()

        route = Route(daemon)
        for path, status in (("nobody", 404), ("closed", 404), ("edge/../closed", 400), ("edge/fail", 500), ("edge/refuse", 403)):
            with self.subTest(path):
                self.assertEqual(route.ask("GET", path)[0].status, status)
        daemon.api("POST", "/instances/edge/disable")
        daemon.wait("edge", "stopped")
        self.assertEqual(route.ask("GET", "edge/")[0].status, 503)  # nobody knows until when: no Retry-After
        route.close()

    def test_a_half_answer_is_seen_as_one(self):
        daemon = self.routed("edge")
        route = Route(daemon)
        with self.assertRaises(harness.http.client.IncompleteRead):
            route.ask("GET", "edge/half")
        route.close()

    def test_web_sockets(self):
        daemon = self.routed("edge")
        web = WebSocket(daemon, "edge/socket", "Sec-WebSocket-Protocol: chat, other\r\n")
        self.assertTrue(web.head.startswith(b"HTTP/1.1 101 "), web.head)
        self.assertIn(b"sec-websocket-protocol: chat\r\n", web.head.lower())
        for opcode, payload in ((1, b"hello"), (2, bytes(range(256)) * 300), (1, "ä".encode() * 30000), (2, b""), (2, b"x" * (1 << 20))):
            web.send(opcode, payload)
            self.assertEqual(web.receive(), (opcode, payload))
        web.send(9, b"there?")
        self.assertEqual(web.receive(), (10, b"there?"))
        web.send(1, b"close 3001 enough")
        self.assertEqual(web.receive(), (8, struct.pack(">H", 3001) + b"enough"))
        web.close()
        with self.subTest("its worker ends"):
            web = WebSocket(daemon, "edge/socket")
            web.send(1, b"hello")
            web.receive()
            os.kill(daemon.worker_pid("edge"), signal.SIGKILL)
            opcode, payload = web.receive()
            self.assertEqual((opcode, payload[:2]), (8, struct.pack(">H", 1011)))
            web.close()

    def test_a_body_of_any_size_goes_through_in_bounded_memory(self):
        daemon = self.routed("edge")
        pids = (daemon.pid, daemon.worker_pid("edge"))
        before = [resident_mib(pid) for pid in pids]
        route = Route(daemon)
        piece = bytes(1 << 20)
        answer, body = route.ask("PUT", "edge/count", (piece for _ in range(BODY_MIB)), chunked=True)
        self.assertEqual((answer.status, body), (200, b"%d" % (BODY_MIB << 20)))
        for pid, mib in zip(pids, before):
            self.assertLess(resident_mib(pid) - mib, GROWTH_MIB)
        route.close()

    def test_many_mixed_requests_get_the_answers_that_are_theirs(self):
        names = [f"edge-{i}" for i in range(INSTANCES)]
        daemon = self.routed(*names)
        wrong, left = queue.SimpleQueue(), queue.SimpleQueue()
        for number in range(REQUESTS):
            left.put(number)

        def one(route, dice, number):
            name, kind = dice.choice(names), dice.choice(("echo", "back", "count", "stream", "slow"))
            token = f"token-{number}-{name}"
            size = dice.choice((0, 10, 3000, 100_000))
            data = (token * (size // len(token) + 1)).encode()
            if kind == "echo":
                given = json.loads(route.ask("POST", f"{name}/{token}?{token}", data, {"x-token": token})[1])
                got = (given["path"], given["query"], dict(given["fields"])["x-token"], given["requestUri"], given["body"])
                return got == ("/" + token, token, token, f"/instance/execute/{name}/{token}?{token}", data.decode())
            if kind == "back":
                return route.ask("PUT", f"{name}/back", data)[1] == data
            if kind == "count":
                pieces = (data[at:at + 700] for at in range(0, len(data), 700))
                return route.ask("POST", f"{name}/count", pieces, chunked=True)[1] == b"%d" % len(data)
            if kind == "stream":
                return len(route.ask("GET", f"{name}/stream?bytes={size + number}")[1]) == size + number
            return route.ask("GET", f"{name}/slow?ms={number % 20}")[1] == b"1"

        def client(seed):
            dice, route = random.Random(seed), Route(daemon)
            try:
                while True:
                    number = left.get_nowait()
                    if not one(route, dice, number):
                        wrong.put(number)
            except queue.Empty:
                pass
            except Exception as error:  # a thread's exception would be nobody's
                wrong.put(repr(error))
            finally:
                route.close()

        threads = [threading.Thread(target=client, args=(SEED * 1000 + i,)) for i in range(2 * THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([wrong.get() for _ in range(wrong.qsize())][:5], [], f"seed {SEED}")

    # ---- under a constant load
    def load(self, daemon, path, stop, seen):
        """Asks until `stop` is set; counts statuses, and what the client saw instead of one."""
        def client():
            route = Route(daemon)
            while not stop.is_set():
                try:
                    seen[route.ask("GET", path)[0].status] += 1
                except (OSError, harness.http.client.HTTPException) as error:
                    seen[repr(error)] += 1
                    route.close()
                    route = Route(daemon)
            route.close()
        threads = [threading.Thread(target=client) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        return threads

    def test_no_request_fails_in_a_swap(self):
        daemon = self.routed("edge")
        builds = Builds(daemon, "edge", "test_requests.so")
        stop, seen = threading.Event(), collections.Counter()
        threads = self.load(daemon, "edge/slow?ms=5", stop, seen)
        try:
            for _ in range(SWAPS):
                before = seen[200]
                until(lambda b=before: seen[200] > b + 2 * THREADS, "the load goes on")
                builds.swap()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(set(seen), {200}, seen)

    def test_a_kill_fails_what_was_in_flight_and_nothing_else(self):
        # Requests are held until the next start, within a bound: here it comes soon however often it is killed.
        daemon = self.routed("edge", settings="restart: {first_delay: 10ms, forgotten_after: 1s, crash_loop_count: 1000,\n"
                                              "          quarantine_count: 1000}\n")
        stop, seen = threading.Event(), collections.Counter()
        threads = self.load(daemon, "edge/slow?ms=20", stop, seen)
        try:
            for number in range(KILLS):
                before = seen[200]
                until(lambda b=before: seen[200] > b + THREADS, "the load goes on")
                os.kill(daemon.worker_pid("edge"), signal.SIGKILL)
                failed = seen[502]
                until(lambda b=seen[200]: seen[200] > b + THREADS, "it is answered again")
                self.assertLessEqual(failed, (number + 1) * THREADS)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLessEqual(set(seen), {200, 502}, seen)
        self.assertLessEqual(seen[502], KILLS * THREADS)
        self.assertGreater(seen[502], 0)


if __name__ == "__main__":
    unittest.main()
