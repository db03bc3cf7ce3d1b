"""The host's side of instances' routes with real clients: Python's, curl, Node's fetch and WebSocket. The instances answer
from the process of routes/route_echo.cpp, with the windows that workers have, in an order of their own.

    LONGHAUL_REQUESTS=10000   mixed requests over fifty instances (1000 otherwise)
    LONGHAUL_BODY_MIB=10240   of the one large body (48 otherwise)"""
import http.client
import json
import os
import queue
import random
import shutil
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from harness import BIN, WAIT_S, until

HERE = Path(__file__).resolve().parent
REQUESTS = int(os.environ.get("LONGHAUL_REQUESTS", "1000"))
BODY_MIB = int(os.environ.get("LONGHAUL_BODY_MIB", "48"))
SEED = int(os.environ.get("LONGHAUL_SEED", "7"))
THREADS, INSTANCES = 16, 50
GROWTH_MIB = 48  # of the server while a body of any size goes through: windows, buffers, and what a sanitizer keeps


def sum_of(data):
    total = 0
    for byte in data:
        total = (total * 31 + byte) % (1 << 64)
    return total


class RoutesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Freed memory is kept by the sanitizer, which is none of ours.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"}
        cls.server = subprocess.Popen([BIN / "route_echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        cls.port = int(cls.server.stdout.readline())
        cls.base = f"http://127.0.0.1:{cls.port}/instance/execute"

    @classmethod
    def tearDownClass(cls):
        cls.server.stdin.close()
        cls.server.stdout.close()
        status = cls.server.wait(WAIT_S)
        if status != 0:
            raise AssertionError(f"route_echo ended with {status}")

    def resident_mib(self):
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    # ---- one of many
    def one(self, connection, dice, token):
        """A request of a kind that the dice chose, and what is wrong with its answer; None: nothing."""
        instance = f"edge-{dice.randrange(INSTANCES)}"
        kind = dice.choice(("count", "count", "echo", "bytes", "head", "fail", "chunked", "large"))
        size = dice.choice((0, 1, 100, 5000)) if kind != "large" else 300_000
        body = dice.randbytes(size)
        path = {"echo": "/echo", "bytes": f"/bytes?{size}", "fail": "/fail?503"}.get(kind, f"/count/{token}?t={token}")
        method = {"head": "HEAD", "bytes": "GET", "fail": "GET"}.get(kind, dice.choice(("POST", "PUT", "PATCH", "QUERY")))
        target = f"/instance/execute/{instance}{path}"
        fields = {"X-Token": token, "Content-Type": "application/octet-stream"}
        if method in ("HEAD", "GET"):
            connection.request(method, target, headers=fields)
        elif kind == "chunked":
            pieces = [body[at:at + 1000] for at in range(0, len(body), 1000)]
            connection.request(method, target, body=iter(pieces), headers=fields, encode_chunked=True)
        else:
            connection.request(method, target, body=body, headers=fields)
        answer = connection.getresponse()
        got = answer.read()
        if kind == "fail":
            return None if answer.status == 503 and answer.getheader("Retry-After") == "3" else f"{answer.status}"
        if answer.status != 200:
            return f"{kind}: {answer.status} {got[:200]}"
        if (answer.getheader("x-instance"), answer.getheader("x-token")) != (instance, token):
            return f"{kind} of {token} to {instance}: answered {answer.getheader('x-token')} of {answer.getheader('x-instance')}"
        if answer.getheader("x-request-uri") != target:
            return f"{kind}: X-Request-URI is {answer.getheader('x-request-uri')}"
        wanted = {"echo": body, "bytes": b"x" * size, "head": b""}.get(kind)
        if wanted is None:
            wanted = f"{instance} {method} {target} {len(body)} {sum_of(body)}\n".encode()
        return None if got == wanted else f"{kind} of {token}: {got[:200]} for {wanted[:200]}"

    def test_many_mixed_requests_get_the_answers_that_are_theirs(self):
        wrong, left = queue.SimpleQueue(), queue.SimpleQueue()
        for number in range(REQUESTS):
            left.put(number)

        def client(seed):
            dice = random.Random(seed)
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
            try:
                while True:
                    number = left.get_nowait()
                    if fault := self.one(connection, dice, f"t{number}"):
                        wrong.put(fault)
            except queue.Empty:
                pass
            except Exception as error:  # a thread's exception would be nobody's
                wrong.put(repr(error))
            finally:
                connection.close()

        threads = [threading.Thread(target=client, args=(SEED * 1000 + i,)) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        faults = [wrong.get() for _ in range(wrong.qsize())]
        self.assertEqual(faults[:5], [], f"{len(faults)} of {REQUESTS}, seed {SEED}")
        self.assertGreaterEqual(self.metric("longhaul_route_requests_total"), REQUESTS)

    def test_a_body_of_any_size_goes_through_in_bounded_memory(self):
        before = self.resident_mib()
        source = subprocess.Popen(["head", "-c", str(BODY_MIB << 20), "/dev/zero"], stdout=subprocess.PIPE)
        done = subprocess.run(["curl", "-sS", "-T", "-", "--max-time", "3000", f"{self.base}/edge-1/count"], stdin=source.stdout,
                              capture_output=True, text=True, check=False)
        source.stdout.close()
        source.wait()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split()[3:], [str(BODY_MIB << 20), "0"])
        self.assertLess(self.resident_mib() - before, GROWTH_MIB)

    def test_an_answer_waits_for_a_client_that_does_not_read(self):
        before = self.resident_mib()
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S) as slow:
            size = 256 << 20
            slow.sendall(f"GET /instance/execute/e/bytes?{size} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertTrue(slow.recv(100).startswith(b"HTTP/1.1 200 OK\r\n"))
            self.curl("/other/count")  # the server is at others' service meanwhile
            self.assertLess(self.resident_mib() - before, GROWTH_MIB)

    def metric(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + "{"))

    def test_a_client_that_went_away_is_waited_for_no_more(self):
        under_way = "longhaul_route_requests_under_way"
        before = self.metric(under_way)
        clients = [socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S) for _ in range(20)]
        for client in clients:
            client.sendall(b"GET /instance/execute/e/never HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: self.metric(under_way) == before + 20, "all are under way")
        for client in clients:
            client.close()
        until(lambda: self.metric(under_way) == before, "none is under way")

    def curl(self, path, *words):
        done = subprocess.run(["curl", "-sS", "--max-time", str(WAIT_S), *words, self.base + path], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_curl(self):
        self.assertEqual(self.curl("/a/count?x=1", "-X", "DELETE").split()[:3], ["a", "DELETE", "/instance/execute/a/count?x=1"])
        self.assertIn("HTTP/1.1 100 Continue", self.curl("/a/count", "-v", "-i", "-H", "Expect: 100-continue", "-d", "abc"))
        self.assertIn("x-path: /\n", self.curl("/a", "-I"))
        twice = self.curl("/a/bytes?5", "-w", "%{num_connects}\n", f"{self.base}/b/bytes?7")
        self.assertEqual(twice, "xxxxxxx1\nxxxxx0\n")
        self.assertEqual(self.curl("/a/../b", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}"), "400")
        self.assertEqual(self.curl("/a/fail?504", "-o", "/dev/null", "-w", "%{http_code}"), "504")

    @unittest.skipIf(shutil.which("node") is None, "node is not installed")
    def test_node_fetch_and_web_socket(self):
        done = subprocess.run(["node", "--experimental-websocket", "--no-warnings", HERE / "routes" / "client.mjs", str(self.port)],
                              capture_output=True, text=True, timeout=2 * WAIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout, end="", file=sys.stderr)
        self.assertEqual(json.loads(done.stdout)["wrong"], [])


if __name__ == "__main__":
    unittest.main()
