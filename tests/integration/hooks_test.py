"""The plugins webhook and edl in a real daemon, asked by curl: signed posts become incidents once, lists are polled."""
import gzip
import hashlib
import hmac
import json
import subprocess
import unittest

import harness

SECRET = "It's a Secret to Everybody"


class Reply:
    def __init__(self, text):
        head, _, self.body = text.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 1"):  # 100 Continue
            head, _, self.body = self.body.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def json(self):
        return json.loads(self.body)


def signature(body, secret=SECRET):
    return "X-Hub-Signature-256: sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


class Hooks(harness.DaemonTest):
    def curl(self, daemon, target, *options, body=None):
        command = ["curl", "--silent", "--include", "--max-time", "60", "--unix-socket", str(daemon.socket), *options,
                   "http://localhost/instance/execute/" + target]
        return Reply(subprocess.run(command, check=True, capture_output=True, input=body).stdout)

    def post(self, daemon, target, body, *headers):
        options = [word for header in headers for word in ("-H", header)]
        return self.curl(daemon, target, "-H", "content-type: application/json", "--data-binary", "@-", *options,
                         body=body.encode())

    def test_posts_become_incidents(self):
        daemon = self.daemon("webhook")
        daemon.run_instance("hooks", "webhook", {"verify": "none"}, http={"access": "none"})
        answer = self.post(daemon, "hooks", json.dumps({"name": "Disk full", "severity": "high"}))
        self.assertEqual(200, answer.status, answer.body)
        [made] = answer.json()["incidents"]
        [incident] = daemon.incidents()
        self.assertEqual((made["id"], "Disk full", 3), (incident["id"], incident["name"], incident["severity"]))
        # A form, and many at once.
        answer = self.curl(daemon, "hooks/form", "--data-urlencode", "title=Printer on fire")
        self.assertEqual("Printer on fire", answer.json()["incidents"][0]["name"])
        many = json.dumps([{"name": f"n{i}"} for i in range(500)])
        self.assertEqual(500, len(self.post(daemon, "hooks", many).json()["incidents"]))
        self.assertEqual(502, len(daemon.incidents()))
        # What is refused says why, in the answer and in the log.
        answer = self.curl(daemon, "hooks", "-H", "content-type: text/xml", "--data", "<a/>")
        self.assertEqual((415, "application/problem+json"), (answer.status, answer.fields["content-type"]))
        self.assertIn('"text/xml"; wanted is application/json', answer.json()["detail"])
        harness.until(lambda: "text/xml" in daemon.cli("logs", "hooks"), "the log says why")
        self.assertEqual(413, self.post(daemon, "hooks", "[" + " " * (2 << 20) + "]").status)
        self.assertEqual(405, self.curl(daemon, "hooks").status)

    def test_signed_posts_count_once(self):
        daemon = self.daemon("webhook", started=False)
        daemon.environment["HOOK_SECRET"] = SECRET
        daemon.start()
        daemon.run_instance("hooks", "webhook", {"verify": "github", "secret": "${env:HOOK_SECRET}",
                                                 "mapping": "name: {/title}"}, http={"access": "none"})
        body = json.dumps({"title": "opened"})
        first = self.post(daemon, "hooks", body, signature(body), "X-GitHub-Delivery: 1").json()
        self.assertEqual(401, self.post(daemon, "hooks", body).status)
        self.assertEqual(401, self.post(daemon, "hooks", body, signature(body, "guessed")).status)
        daemon.cli("restart", "hooks")
        again = self.post(daemon, "hooks", body, signature(body), "X-GitHub-Delivery: 2").json()
        self.assertEqual((first["incidents"], True), (again["incidents"], again["replayed"]))
        self.assertEqual(1, len(daemon.incidents()))
        samples = json.loads(daemon.cli("exec", "hooks", "webhook-samples", "-o", "json"))
        self.assertEqual(body, samples["samples"][0]["body"])
        self.assertNotIn("sha256=", json.dumps(samples))

    def test_a_list_is_polled(self):
        daemon = self.daemon("edl")
        daemon.run_instance("block", "edl", {"refreshSeconds": 5}, http={"access": "none"})
        daemon.cli("exec", "block", "edl-add", "values=" + ",".join(f"192.0.2.{i}" for i in range(100)))
        answer = self.curl(daemon, "block")
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual([f"192.0.2.{i}" for i in range(100)], answer.body.decode().split())
        self.assertEqual(304, self.curl(daemon, "block", "-H", "If-None-Match: " + answer.fields["etag"]).status)
        packed = self.curl(daemon, "block", "-H", "Accept-Encoding: gzip")
        self.assertEqual("gzip", packed.fields["content-encoding"])
        self.assertEqual(answer.body, gzip.decompress(packed.body))
        head = self.curl(daemon, "block", "--head")
        self.assertEqual((200, str(len(answer.body)), b""), (head.status, head.fields["content-length"], head.body))
        page = self.curl(daemon, "block/list.json?n=2&s=1")
        self.assertEqual(["192.0.2.1", "192.0.2.2"], [row["value"] for row in page.json()])
        self.assertEqual(400, self.curl(daemon, "block?v=xml").status)
        # Another list has another tag.
        daemon.cli("exec", "block", "edl-remove", "values=192.0.2.0")
        self.assertEqual(200, self.curl(daemon, "block", "-H", "If-None-Match: " + answer.fields["etag"]).status)


if __name__ == "__main__":
    unittest.main(verbosity=2)
