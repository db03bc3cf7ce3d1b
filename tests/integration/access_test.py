"""Who may use an instance's route, and plugins with an HTTP server of their own on a listener of the host."""
import base64
import json
import threading
import unittest

from harness import DaemonTest, UnixConnection, until, WAIT_S

PLUGIN = "test_server"


def ask(daemon, method, path, body=None, headers=None):
    """(status, headers, text) of a request to /instance/execute/PATH."""
    connection = UnixConnection(daemon.socket, WAIT_S)
    try:
        connection.request(method, f"/instance/execute/{path}", body, headers or {})
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read().decode()
    finally:
        connection.close()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Access(DaemonTest):
    def test_each_access_lets_in_who_has_what_it_wants_and_nobody_else(self):
        daemon = self.daemon(PLUGIN)
        secret = daemon.folder / "secret"
        secret.write_text("geh:eim\n")
        secret.chmod(0o640)
        reference = f"${{file:{secret}}}"
        kinds = {"closed": None, "none": {}, "basic": {"user": "fw"}, "header": {"header": "X-Api-Key"}, "token": {}}
        for kind, more in kinds.items():
            http = {} if more is None else {"http": {"access": kind, **more}}
            if kind in ("basic", "header", "token"):
                http["http"]["secret"] = reference
            daemon.run_instance(kind, "test-server", **http)

        right = {"none": {}, "basic": basic("fw", "geh:eim"), "header": {"X-Api-Key": "geh:eim"},
                 "token": {"Authorization": "Bearer geh:eim"}}
        for kind in kinds:
            for given, headers in right.items():
                status, fields, text = ask(daemon, "GET", f"{kind}/echo", headers=headers)
                with self.subTest(access=kind, given=given):
                    if kind == "closed":
                        self.assertEqual(status, 404)
                    elif kind in ("none", given):
                        self.assertEqual(status, 200)
                        self.assertEqual("geh:eim" in text, kind == "none" and given in ("header", "token"))
                        self.assertEqual("X-Forwarded-User: " in text, kind != "none")
                    else:
                        self.assertEqual(status, 401)
                        self.assertIn("WWW-Authenticate", fields)
        # A name that nobody has looks like one that is closed.
        self.assertEqual(ask(daemon, "GET", "nobody/")[2].replace("nobody", "closed"), ask(daemon, "GET", "closed/")[2])

        said = daemon.cli("explain", "basic")
        self.assertIn("open to the user fw with the password", said)
        self.assertIn("with wrong credentials, the last one", said)
        self.assertIn("the plugin's own HTTP server at 127.0.0.1:", said)
        self.assertIn("access token", daemon.cli("status", "token"))
        self.assertNotIn("geh:eim", said + daemon.cli("status", "-o", "wide", "token") + json.dumps(daemon.instance("token")))

        # A secret that is rotated in its file is the one that counts, without a restart.
        pid = daemon.worker_pid("token")
        secret.write_text("neu")
        until(lambda: ask(daemon, "GET", "token/hello", headers={"Authorization": "Bearer neu"})[0] == 200,
              "the new secret counts")
        self.assertEqual(ask(daemon, "GET", "token/hello", headers={"Authorization": "Bearer geh:eim"})[0], 401)
        self.assertEqual(daemon.worker_pid("token"), pid)

        # It cannot be read: nobody is let in, and explain says why.
        secret.unlink()
        until(lambda: ask(daemon, "GET", "token/hello", headers={"Authorization": "Bearer neu"})[0] == 503,
              "the secret is gone")
        self.assertIn(str(secret), daemon.cli("explain", "token"))

    def test_a_secret_that_came_by_the_api_is_encrypted_and_who_guesses_is_slowed(self):
        daemon = self.daemon(PLUGIN)
        text = 'name: a\nplugin: test-server\nhttp: {access: token, secret: hunter2}\n'
        path = daemon.folder / "a.yaml"
        path.write_text(text)
        daemon.cli("apply", "-f", path)
        daemon.wait("a")
        self.assertEqual(ask(daemon, "GET", "a/hello", headers={"Authorization": "Bearer hunter2"})[0], 200)
        self.assertIn("http/secret", daemon.cli("secret", "list", "a"))
        self.assertNotIn("hunter2", daemon.cli("status", "-o", "wide", "a") + daemon.cli("apply", "-f", path, "--dry-run"))
        statuses = [ask(daemon, "GET", "a/hello", headers={"Authorization": f"Bearer {i}"})[0] for i in range(12)]
        self.assertEqual(statuses[:10], [401] * 10)
        self.assertIn(429, statuses[10:])
        status, fields, _ = ask(daemon, "GET", "a/hello", headers={"Authorization": "Bearer hunter2"})
        self.assertEqual(status, 429)
        self.assertGreater(int(fields["Retry-After"]), 0)


class OwnServer(DaemonTest):
    def setUp(self):
        self.host = self.daemon(PLUGIN)
        self.host.run_instance("web", "test-server", http={"access": "none"})

    def test_a_request_arrives_anew_and_its_answer_comes_back(self):
        status, fields, text = ask(self.host, "POST", "web/echo?a=b%20c", b"x" * 300_000,
                                   {"X-Forwarded-User": "admin", "Connection": "X-Gone", "X-Gone": "1", "X-Kept": "2"})
        self.assertEqual(status, 200)
        head, body = text.split("\r\n\r\n", 1)
        self.assertTrue(head.startswith("POST /echo?a=b%20c HTTP/1.1\r\nHost: localhost\r\n"), head)
        self.assertEqual(body, "x" * 300_000)
        self.assertNotIn("admin", head)
        self.assertNotIn("x-gone", head.lower())
        self.assertIn("x-kept: 2", head.lower())
        self.assertIn("x-request-uri: /instance/execute/web/echo?a=b%20c", head.lower())

    def test_what_goes_wrong_is_told_with_where_it_came_from(self):
        for path, what in (("close", "ended the connection without an answer"), ("garbage", "gave an answer that is none")):
            status, _, text = ask(self.host, "GET", f"web/{path}")
            self.assertEqual(status, 502)
            self.assertIn(what, text)
            self.assertIn(f"with 502: the plugin's own HTTP server {what}", self.host.cli("explain", "web"))
        self.assertEqual(ask(self.host, "GET", "web/hello")[0], 200)

    def test_over_swaps_no_request_fails(self):
        over, wrong, pids = threading.Event(), [], set()

        def load():
            while not over.is_set():
                for method, body in (("GET", None), ("POST", b"abc")):
                    status, _, text = ask(self.host, method, "web/hello", body)
                    if status != 200:
                        wrong.append((method, status, text))
                    pids.add(text)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for i in range(4):
                before = self.host.worker_pid("web")
                self.host.put_instance("web", "test-server", {"note": str(i)}, http={"access": "none"})
                until(lambda: self.host.worker_pid("web") not in (before, None), "another worker")
                self.host.wait("web")
        finally:
            over.set()
            for thread in threads:
                thread.join(WAIT_S)
        self.assertEqual(wrong, [])
        self.assertGreaterEqual(len(pids), 4)

    def test_a_dead_worker_fails_what_it_had_and_the_next_one_serves(self):
        self.assertEqual(ask(self.host, "POST", "web/die", b"x")[0], 502)
        self.assertEqual(ask(self.host, "GET", "web/hello")[0], 200)  # it waited for the next worker
        self.host.cli("disable", "web")
        status, fields, _ = ask(self.host, "GET", "web/hello")
        self.assertEqual(status, 503)
        self.assertIn("Retry-After", fields)
        self.assertIn("web is disabled", self.host.cli("explain", "web"))

    def test_two_instances_clash_over_no_port_and_none_is_open_to_the_network(self):
        self.host.run_instance("other", "test-server", http={"access": "none"})
        self.assertNotEqual(ask(self.host, "GET", "web/hello")[2], ask(self.host, "GET", "other/hello")[2])
        path = self.host.folder / "open.yaml"
        path.write_text("name: open\nplugin: test-server\nparameters: {listen: ':8080'}\n")
        _, out, err = self.host.cli("apply", "-f", path, code=None)
        self.assertIn("wanted an address of this host alone", out + err)


if __name__ == "__main__":
    unittest.main()
