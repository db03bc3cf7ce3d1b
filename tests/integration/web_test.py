"""What comes by TCP: nobody without a token or a session, no foreign names, no foreign pages, TLS with certificates that
are renewed, slow clients that take nobody's place, and what a service manager is told."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import unittest

import harness

SLOW = 1100  # more than there are places


class WebTest(harness.DaemonTest):
    def web(self, settings="", *plugins):
        daemon = self.daemon(*plugins, started=False)
        daemon.write(daemon.folder / "longhaul.yaml", f"http: {{ listen: ['127.0.0.1:0'], {settings} }}\n".encode())
        daemon.start()
        daemon.port = int(re.search(r"serves https?://127\.0\.0\.1:(\d+)", daemon.log_path.read_text()).group(1))
        return daemon

    def ask(self, daemon, method, path, body=None, tls=None, **fields):
        """Status, fields, body."""
        connection = (http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=harness.WAIT_S, context=tls) if tls
                      else http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=harness.WAIT_S))
        try:
            connection.request(method, path, body if body is None else json.dumps(body),
                               {name.replace("_", "-"): value for name, value in fields.items()})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()
        finally:
            connection.close()

    def status(self, *words, **more):
        return self.ask(*words, **more)[0]

    def token(self, daemon, role):
        return "Bearer " + json.loads(daemon.cli("token", "create", role, "--role", role, "-o", "json"))["token"]

    def link(self, daemon):
        return "/" + daemon.cli("dashboard", "-o", "name").strip().split("/", 3)[3]

    def sign_in(self, daemon):
        status, fields, _ = self.ask(daemon, "GET", self.link(daemon))
        self.assertEqual((303, "/"), (status, fields["Location"]))
        cookie = fields["Set-Cookie"]
        self.assertRegex(cookie, rf"^longhaul_session_{daemon.port}=lh_[0-9a-f]{{64}}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$")
        return cookie.split(";")[0]


class WithoutTls(WebTest):
    def test_nobody_without_a_token_and_each_token_with_its_role(self):
        daemon = self.web()
        self.assertEqual(200, self.status(daemon, "GET", "/livez"))
        self.assertEqual(200, self.status(daemon, "GET", "/readyz"))
        for path in ("/metrics", "/api/v1/instances", "/api/v1/whoami", "/api/v1/events"):
            with self.subTest(path):
                status, fields, body = self.ask(daemon, "GET", path)
                self.assertEqual((401, "UNAUTHENTICATED"), (status, json.loads(body)["code"]))
                self.assertEqual("Bearer", fields["WWW-Authenticate"])
        self.assertEqual(401, self.status(daemon, "POST", "/api/v1/reload"))
        read, admin = self.token(daemon, "read"), self.token(daemon, "admin")
        self.assertEqual(200, self.status(daemon, "GET", "/metrics", Authorization=read))
        self.assertEqual({"name": "token read", "role": "read", "address": "127.0.0.1", "session": False},
                         json.loads(self.ask(daemon, "GET", "/api/v1/whoami", Authorization=read)[2]))
        self.assertEqual(403, self.status(daemon, "POST", "/api/v1/reload", Authorization=read))
        self.assertEqual(200, self.status(daemon, "POST", "/api/v1/reload", Authorization=admin))
        # Nobody's acts are not in the audit: whoever reaches the port could fill it.
        acts = [(row["act"], row["actor"]) for row in json.loads(daemon.cli("audit", "-o", "json"))]
        self.assertEqual(2, len([act for act, actor in acts if act == "reload" and actor.startswith("token ")]), acts)
        self.assertNotIn("", [actor for _, actor in acts])

    def test_other_names_of_the_address_lead_nowhere(self):
        daemon = self.web("hosts: [edge.example.org]")
        read = self.token(daemon, "read")
        for host, wanted in (("edge.example.org", 200), (f"EDGE.example.org:{daemon.port}", 200), ("localhost", 200),
                             ("[::1]:80", 200), ("evil.example", 421), ("edge.example.org.evil.example", 421), ("", 421)):
            with self.subTest(host):
                self.assertEqual(wanted, self.status(daemon, "GET", "/api/v1/whoami", Authorization=read, Host=host))
        self.assertEqual(421, self.status(daemon, "GET", "/instance/execute/x/", Host="evil.example"))

    def test_a_link_signs_in_once_and_the_session_is_its_own_pages(self):
        daemon = self.web()
        link = self.link(daemon)
        self.assertEqual(200, self.status(daemon, "HEAD", link))  # a preview
        self.assertEqual(303, self.status(daemon, "GET", link))
        status, _, body = self.ask(daemon, "GET", link)
        self.assertEqual(403, status)
        self.assertIn("longhaul dashboard", body)
        cookie = self.sign_in(daemon)
        me = json.loads(self.ask(daemon, "GET", "/api/v1/whoami", Cookie=cookie)[2])
        self.assertEqual(("admin", True), (me["role"], me["session"]))
        own = f"http://127.0.0.1:{daemon.port}"
        for origin, wanted in ((own, 200), ("http://evil.example", 403), ("null", 403), ("http://127.0.0.1:1", 403)):
            self.assertEqual(wanted, self.status(daemon, "POST", "/api/v1/reload", Cookie=cookie, Origin=origin), origin)
        self.assertEqual(403, self.status(daemon, "POST", "/api/v1/reload", Cookie=cookie))
        # It outlives the daemon, and it ends when it is told to.
        daemon.stop()
        daemon.write(daemon.folder / "longhaul.yaml", f"http: {{ listen: ['127.0.0.1:{daemon.port}'] }}\n".encode())
        daemon.start()
        harness.until(lambda: self.status(daemon, "GET", "/api/v1/whoami", Cookie=cookie) == 200, "the session is known")
        self.assertEqual(200, self.status(daemon, "DELETE", "/api/v1/session", Cookie=cookie, Origin=own))
        self.assertEqual(401, self.status(daemon, "GET", "/api/v1/whoami", Cookie=cookie))
        acts = {row["act"] for row in json.loads(daemon.cli("audit", "-o", "json"))}
        self.assertLessEqual({"session.links.create", "session.open", "session.remove"}, acts)

    def test_a_page_signs_in_with_a_token_and_who_guesses_waits(self):
        daemon = self.web()
        own = f"http://127.0.0.1:{daemon.port}"
        token = self.token(daemon, "operate").split()[1]
        self.assertEqual(403, self.status(daemon, "POST", "/api/v1/session", {"token": token}, Origin="http://evil.example"))
        status, fields, body = self.ask(daemon, "POST", "/api/v1/session", {"token": token}, Origin=own)
        self.assertEqual((200, "operate"), (status, json.loads(body)["role"]))
        cookie = fields["Set-Cookie"].split(";")[0]
        self.assertNotIn(token, cookie)
        self.assertEqual(200, self.status(daemon, "GET", "/api/v1/whoami", Cookie=cookie))
        statuses = [self.status(daemon, "GET", "/api/v1/whoami", Authorization=f"Bearer lh_{i}") for i in range(12)]
        self.assertEqual([401] * 10 + [429] * 2, statuses)
        # Who has the right one is not held up: others may come by the same proxy.
        self.assertEqual(200, self.status(daemon, "GET", "/api/v1/whoami", Authorization=f"Bearer {token}"))
        self.assertEqual(200, self.status(daemon, "GET", "/api/v1/whoami", Cookie=cookie))
        # A session lasts no longer than the token that began it, also when another token gets its name.
        daemon.cli("token", "revoke", "operate")
        self.token(daemon, "operate")
        self.assertIn(self.status(daemon, "GET", "/api/v1/whoami", Cookie=cookie), (401, 429))

    def test_slow_clients_take_nobodys_place(self):
        daemon = self.web()
        read = self.token(daemon, "read")
        slow = []
        try:
            for _ in range(SLOW):
                one = socket.create_connection(("127.0.0.1", daemon.port), harness.WAIT_S)
                slow.append(one)
                one.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            self.assertEqual(200, self.status(daemon, "GET", "/api/v1/whoami", Authorization=read))
            self.assertEqual(200, daemon.request("GET", "/livez").status)
            # The oldest gave its place.
            slow[0].settimeout(harness.WAIT_S)
            self.assertEqual(b"", slow[0].recv(1))
        finally:
            for one in slow:
                one.close()

    def test_who_reads_nothing_takes_nobodys_place(self):
        daemon = self.web()
        read = self.token(daemon, "read")
        page = self.ask(daemon, "GET", "/")[2]
        asset = re.search(r'src="(/assets/[^"]+)"', page).group(1).encode()
        asked = b"GET " + asset + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        deaf = []
        try:
            for _ in range(SLOW):
                one = socket.socket()
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.settimeout(harness.WAIT_S)
                one.connect(("127.0.0.1", daemon.port))
                deaf.append(one)
                one.sendall(asked * 40)  # more than what the kernel keeps of answers
            self.assertEqual(200, self.status(daemon, "GET", "/api/v1/whoami", Authorization=read))
            self.assertEqual(200, daemon.request("GET", "/livez").status)
        finally:
            for one in deaf:
                one.close()

    def test_what_would_be_open_to_the_network_in_the_clear_is_refused(self):
        daemon = self.daemon(started=False)
        daemon.write(daemon.folder / "longhaul.yaml", b"http: { listen: [':8440'] }\n")
        done = subprocess.run([harness.BIN / "longhauld", "--config", daemon.folder / "longhaul.yaml", "--state-dir",
                               daemon.state, "--run-dir", daemon.run], capture_output=True, text=True, check=False,
                              timeout=harness.WAIT_S)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"http\.listen has :8440 .*there is no TLS.*http\.certificate")

    def test_a_service_manager_is_told(self):
        daemon = self.daemon(started=False)
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(str(daemon.folder / "notify"))
        manager.settimeout(harness.WAIT_S)
        daemon.environment = {"NOTIFY_SOCKET": str(daemon.folder / "notify"), "WATCHDOG_USEC": "200000"}
        daemon.start()

        def told(text):
            while True:
                said = manager.recv(4096).decode()
                if said.startswith(text):
                    return said
        told("WATCHDOG=1")
        told("READY=1")
        told("WATCHDOG=1")
        os.kill(daemon.pid, signal.SIGHUP)
        self.assertRegex(told("RELOADING=1"), r"\nMONOTONIC_USEC=\d+$")
        told("READY=1")
        daemon.stop()
        told("STOPPING=1")


class WithTls(WebTest):
    def certify(self, daemon, name, days=30):
        """A certificate and its key in place of what is there, as an operator renews them."""
        key, certificate = daemon.folder / "key.pem", daemon.folder / "certificate.pem"
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-keyout", f"{key}.new", "-out", f"{certificate}.new", "-days", str(days), "-subj", f"/CN={name}",
                 "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(words, check=True, capture_output=True)
        os.chmod(f"{key}.new", 0o600)
        os.rename(f"{key}.new", key)
        os.rename(f"{certificate}.new", certificate)

    def tls_daemon(self):
        daemon = self.daemon(started=False)
        self.certify(daemon, "first")
        daemon.write(daemon.folder / "longhaul.yaml",
                     f"http: {{ listen: ['127.0.0.1:0'], certificate: {daemon.folder}/certificate.pem, "
                     f"key: {daemon.folder}/key.pem }}\n".encode())
        daemon.start()
        daemon.port = int(re.search(r"serves https://127\.0\.0\.1:(\d+)", daemon.log_path.read_text()).group(1))
        return daemon

    def trusting(self, daemon):
        return ssl.create_default_context(cafile=daemon.folder / "certificate.pem")

    def client(self, daemon, *words):
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", *words], input="",
                              capture_output=True, text=True, check=False, timeout=harness.WAIT_S)

    def shown(self, daemon):
        return re.search(r"subject=.*CN ?= ?(\w+)", self.client(daemon).stdout).group(1)

    def reload(self, daemon, said):
        os.kill(daemon.pid, signal.SIGHUP)
        harness.until(lambda: said in daemon.log_path.read_text(), f"the log says: {said}")

    def test_tls_from_1_2_on_and_http_1_1_alone(self):
        daemon = self.tls_daemon()
        tls = self.trusting(daemon)
        self.assertEqual(200, self.status(daemon, "GET", "/livez", tls=tls))
        status, fields, _ = self.ask(daemon, "GET", self.link(daemon), tls=tls)
        self.assertEqual(303, status)
        self.assertIn("; Secure", fields["Set-Cookie"])
        for words, is_taken in ((["-tls1_3"], True), (["-tls1_2"], True), (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False),
                                (["-alpn", "h2"], False), (["-alpn", "h2,http/1.1"], True)):
            with self.subTest(words):
                self.assertEqual(is_taken, self.client(daemon, *words).returncode == 0)
        # A large answer and many requests of one connection.
        token = self.token(daemon, "read")
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=harness.WAIT_S, context=tls)
        for _ in range(20):
            connection.request("GET", "/api/v1/openapi.json", headers={"Authorization": token})
            self.assertGreater(len(connection.getresponse().read()), 16384)
        connection.close()
        done = subprocess.run(["curl", "-sS", "--cacert", daemon.folder / "certificate.pem",
                               f"https://127.0.0.1:{daemon.port}/livez"], capture_output=True, text=True, check=True)
        self.assertEqual("ok\n", done.stdout)

    def test_the_command_line_asks_over_tls(self):
        daemon = self.tls_daemon()
        token = self.token(daemon, "operate").split()[1]
        ca = str(daemon.folder / "certificate.pem")

        def longhaul(*words, host="127.0.0.1", **variables):
            environment = {"PATH": os.environ["PATH"], "LONGHAUL_ADDRESS": f"https://{host}:{daemon.port}", **variables}
            return subprocess.run([harness.BIN / "longhaul", *words], capture_output=True, text=True, check=False,
                                  timeout=harness.WAIT_S, env=environment)
        done = longhaul("whoami", "-o", "json", LONGHAUL_CA=ca, LONGHAUL_TOKEN=token)
        self.assertEqual(("", 0), (done.stderr, done.returncode))
        self.assertEqual(("token operate", "operate"), tuple(json.loads(done.stdout)[key] for key in ("name", "role")))
        daemon.write(daemon.folder / "token", token.encode() + b"\n")
        many = longhaul("config", "show", "-o", "json", LONGHAUL_CA=ca, LONGHAUL_TOKEN_FILE=str(daemon.folder / "token"))
        self.assertEqual(0, many.returncode, many.stderr)
        for said, words, variables in (
                ("is not to be trusted: self-signed certificate", {}, {"LONGHAUL_TOKEN": token}),
                ("is not to be trusted: hostname mismatch", {"host": "localhost"}, {"LONGHAUL_CA": ca}),
                ("nothing says who asks", {}, {"LONGHAUL_CA": ca}),
                ("none of this host's", {}, {"LONGHAUL_CA": ca, "LONGHAUL_TOKEN": "lh_wrong"})):
            with self.subTest(said):
                done = longhaul("whoami", **words, **variables)
                self.assertEqual((6, ""), (done.returncode, done.stdout), done.stderr)
                self.assertIn(said, done.stderr)
        # Not a word to who speaks no TLS, and none in the clear to another machine.
        with socket.create_server(("127.0.0.1", 0)) as other:
            done = longhaul("whoami", "--address", f"http://192.0.2.1:{daemon.port}", LONGHAUL_TOKEN=token)
            self.assertEqual(2, done.returncode, done.stderr)
            port = other.getsockname()[1]
            asking = subprocess.Popen([harness.BIN / "longhaul", "whoami", "--address", f"https://127.0.0.1:{port}"],
                                      env={"LONGHAUL_TOKEN": token}, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True)
            with other.accept()[0] as client:
                hello = client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            self.assertNotIn(token.encode(), hello)
            self.assertIn("no TLS with", asking.communicate(timeout=harness.WAIT_S)[1])
            self.assertEqual(5, asking.returncode)

    def test_who_does_not_finish_the_handshake_is_let_go(self):
        daemon = self.tls_daemon()
        half = [socket.create_connection(("127.0.0.1", daemon.port), 30) for _ in range(3)]
        half[0].sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # the begin of a ClientHello
        half[1].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")  # no TLS at all
        for each in half:
            while each.recv(4096):
                pass
            each.close()
        self.assertEqual(200, self.status(daemon, "GET", "/livez", tls=self.trusting(daemon)))

    def test_a_new_certificate_is_taken_up_and_a_bad_one_leaves_the_old(self):
        daemon = self.tls_daemon()
        self.assertEqual("first", self.shown(daemon))
        held = http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=harness.WAIT_S, context=self.trusting(daemon))
        held.request("GET", "/livez")
        self.assertEqual(200, held.getresponse().read() and 200)
        self.certify(daemon, "second")
        self.reload(daemon, "the certificate was read")
        self.assertEqual("second", self.shown(daemon))
        held.request("GET", "/livez")  # who is connected stays so
        self.assertEqual(b"ok\n", held.getresponse().read())
        held.close()
        for data, sentence in ((b"nonsense\n", "it is no certificate in PEM"), (None, "No such file or directory")):
            with self.subTest(sentence):
                (daemon.folder / "certificate.pem").unlink(missing_ok=True)
                if data:
                    daemon.write(daemon.folder / "certificate.pem", data)
                self.reload(daemon, sentence)
                self.assertEqual("second", self.shown(daemon))
        self.certify(daemon, "third", days=-1)
        self.reload(daemon, "it expired at")
        self.assertEqual("second", self.shown(daemon))
        self.certify(daemon, "fourth")
        os.chmod(daemon.folder / "key.pem", 0o644)
        self.reload(daemon, "others may read this key")
        self.assertEqual("second", self.shown(daemon))


if __name__ == "__main__":
    unittest.main()
