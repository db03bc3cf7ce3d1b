"""The API as strangers use it: by its own description, which is held to what is answered; every route by every role; events
as a browser reads them; metrics as Prometheus reads them."""
import http.client
import json
import re
import subprocess
import threading
import unittest
import urllib.parse

import jsonschema
from harness import WAIT_S, DaemonTest, UnixConnection, until

REFERENCE = "#/components/schemas/"
ROLES = ["read", "operate", "admin"]

# Who may do what, written here once more: that the table of routes says the same is what the test is for.
LEAST = {
    "read": """
GET /activity
GET /configuration
GET /events
GET /events/recent
GET /explain
GET /incident-counts
GET /incidents
GET /incidents/{id}
GET /incidents/{id}/entries
GET /indicators
GET /instances
GET /instances/{name}
GET /instances/{name}/commands
GET /instances/{name}/context/snapshots
GET /instances/{name}/deaths
GET /instances/{name}/explain
GET /instances/{name}/health
GET /instances/{name}/logs
GET /instances/{name}/parameters
GET /instances/{name}/policy
GET /instances/{name}/usage
GET /mirrors
GET /openapi.json
GET /plugins
GET /plugins/{name}
GET /plugins/{name}/releases
GET /questions
GET /secrets
GET /users
GET /users/{name}
GET /version
GET /whoami
DELETE /session
POST /session/links
""",
    "operate": """
GET /instances/{name}/context
GET /instances/{name}/context/snapshots/{id}
PATCH /instances/{name}/context
PUT /instances/{name}/context
POST /incidents
POST /incidents/{id}/assign
POST /incidents/{id}/close
POST /incidents/{id}/entries
POST /incidents/{id}/questions
POST /incidents/{id}/reopen
POST /instances/{name}/disable
POST /instances/{name}/enable
POST /instances/{name}/execute
POST /instances/{name}/release
POST /instances/{name}/restart
POST /instances/{name}/test
POST /plugins/{name}/rollback
""",
    "admin": """
DELETE /instances/{name}
DELETE /plugins/{name}
DELETE /tokens/{name}
DELETE /users/{name}
GET /audit
GET /tokens
PATCH /instances/{name}/parameters
PATCH /users/{name}
POST /apply
POST /backup
POST /instances/{name}/approve
POST /plugins/{name}/allow
POST /reload
POST /secrets/encrypt
POST /secrets/rotate
POST /tokens
POST /users
PUT /instances/{name}/secrets/{parameter}
"""}

# The requests that the schemas are held to, in this order: what is made by one is looked at by a later one. No route is left out.
TRIED = [
    ("POST", "/apply", '{"instances": [{"name": "c", "plugin": "test-commander"}]}', {}),
    ("POST", "/apply", '{"instances": [{"name": "talk", "plugin": "chat", "enabled": false}]}', {"dryRun": "true"}),
    ("POST", "/apply", '{"instances": [{"name": "lost", "plugin": "no-such-plugin"}]}', {}),
    ("GET", "/instances/{c}", None, {"wait": "running"}),
    ("GET", "/instances/{c}", None, {}),
    ("GET", "/instances", None, {}),
    ("GET", "/instances", None, {"name": "nobody"}),
    ("POST", "/instances/{c}/restart", None, {}),
    ("POST", "/instances/{c}/release", None, {}),
    ("POST", "/instances/{lost}/disable", None, {}),
    ("POST", "/instances/{lost}/enable", None, {}),
    ("GET", "/instances/{c}", None, {"wait": "running"}),
    ("POST", "/instances/{c}/execute", {"command": "echo", "arguments": {"text": "x"}}, {}),
    ("POST", "/instances/{c}/test", {}, {}),
    ("POST", "/instances/{c}/approve", None, {}),
    ("GET", "/instances/{c}/parameters", None, {}),
    ("PATCH", "/instances/{c}/parameters", {}, {"dryRun": "true"}),
    ("GET", "/instances/{c}/explain", None, {}),
    ("GET", "/instances/{lost}/explain", None, {}),
    ("GET", "/explain", None, {"target": "c"}),
    ("GET", "/instances/{c}/logs", None, {}),
    ("GET", "/instances/{c}/deaths", None, {}),
    ("GET", "/instances/{c}/health", None, {}),
    ("GET", "/instances/{c}/usage", None, {}),
    ("GET", "/instances/{c}/commands", None, {}),
    ("GET", "/instances/{c}/policy", None, {}),
    ("PUT", "/instances/{c}/context", {"values": {"a": 1}}, {}),
    ("PATCH", "/instances/{c}/context", {"changes": {"b": [1]}}, {}),
    ("GET", "/instances/{c}/context", None, {}),
    ("GET", "/instances/{c}/context", None, {"key": "a"}),
    ("GET", "/instances/{c}/context/snapshots", None, {}),
    ("GET", "/instances/{c}/context/snapshots/{1}", None, {}),
    ("GET", "/activity", None, {}),
    ("PUT", "/instances/{c}/secrets/{none}", {"value": "x"}, {}),
    ("POST", "/secrets/encrypt", {"instance": "new", "parameter": "p", "value": "v"}, {}),
    ("POST", "/secrets/rotate", None, {}),
    ("GET", "/secrets", None, {}),
    ("POST", "/incidents", {"name": "by hand", "severity": 3, "details": "more", "unknown": 1}, {}),
    ("POST", "/users", {"username": "anna", "role": "operate", "email": "anna@example.org"}, {}),
    ("GET", "/users", None, {}),
    ("GET", "/users/{anna}", None, {}),
    ("PATCH", "/users/{anna}", {"name": "Anna"}, {}),
    ("POST", "/incidents/{1}/assign", {"owner": "anna"}, {}),
    ("POST", "/incidents/{1}/entries", {"text": "seen"}, {}),
    ("POST", "/incidents/{1}/questions", {"to": "anna", "text": "?", "instance": "lost", "wait": True}, {}),
    ("POST", "/incidents/{1}/close", {"reason": "done"}, {}),
    ("GET", "/incidents/{1}", None, {}),
    ("POST", "/incidents/{1}/reopen", None, {}),
    ("GET", "/incidents", None, {"order": "oldest", "status": "active"}),
    ("GET", "/incident-counts", None, {}),
    ("GET", "/incidents/{1}/entries", None, {}),
    ("GET", "/questions", None, {}),
    ("GET", "/mirrors", None, {}),
    ("GET", "/indicators", None, {}),
    ("POST", "/tokens", {"name": "t", "role": "read", "lifeMs": 100000}, {}),
    ("GET", "/tokens", None, {}),
    ("DELETE", "/tokens/{t}", None, {}),
    ("GET", "/tokens", None, {}),
    ("GET", "/audit", None, {}),
    ("GET", "/plugins", None, {}),
    ("GET", "/plugins/{test-commander}", None, {}),
    ("GET", "/plugins/{test-commander}/releases", None, {}),
    ("POST", "/plugins/{test-commander}/rollback", {}, {}),
    ("POST", "/plugins/{test-commander}/allow", {"digest": "000000"}, {}),
    ("DELETE", "/plugins/{test-commander}", None, {}),
    ("GET", "/events/recent", None, {"n": "4096"}),
    ("GET", "/version", None, {}),
    ("GET", "/configuration", None, {}),
    ("GET", "/whoami", None, {}),
    ("GET", "/openapi.json", None, {}),
    ("POST", "/session", {"token": "none"}, {}),
    ("POST", "/session/links", None, {}),
    ("DELETE", "/session", None, {}),
    ("POST", "/backup", {"path": "BACKUP"}, {}),
    ("POST", "/reload", None, {"dryRun": "true"}),
    ("DELETE", "/users/{anna}", None, {"yes": "true"}),
    ("DELETE", "/instances/{c}", None, {"yes": "true"}),
]


def strict(schema):
    """The same, which takes no member that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items()}
    if inner.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


class Description:
    def __init__(self, daemon):
        self.api = daemon.api("GET", "/openapi.json")
        self.components = {"components": strict(self.api["components"])}
        for schema in self.api["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def operations(self):
        for path, methods in self.api["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def find(self, method, path):
        """The path of the description that this one is of, with its names in braces whatever they are."""
        pieces = path.split("/")
        for found_method, found, operation in self.operations():
            wanted = found.removeprefix("/api/v1").split("/")
            if found_method == method and len(wanted) == len(pieces) and all(
                    mine.startswith("{") == its.startswith("{") and (mine == its or its.startswith("{"))
                    for mine, its in zip(pieces, wanted)):
                return found, operation
        raise AssertionError(f"{method} {path} is not described")

    def check(self, operation, status, body, what):
        responses = operation["responses"]
        response = responses.get(str(status)) or responses["default"]
        if "$ref" in response:
            response = self.api["components"]["responses"][response["$ref"].split("/")[-1]]
        [content] = response["content"].values()
        schema = {**strict(content["schema"]), **self.components}
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(body))
        if errors:
            raise AssertionError(f"{what}: {errors[0].message} at {errors[0].json_path}\n{json.dumps(body)[:2000]}")


class Browser:
    """Reads events as an EventSource does (WHATWG HTML, 9.2.6), and connects again with what it has seen last."""

    def __init__(self, daemon, **query):
        self.daemon, self.query, self.last_event_id, self.events = daemon, query, "", []
        self.connection, self.first = None, b""

    def connect(self):
        self.connection = UnixConnection(self.daemon.socket, WAIT_S)
        fields = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.last_event_id:
            fields["Last-Event-ID"] = self.last_event_id
        self.connection.request("GET", "/api/v1/events?" + urllib.parse.urlencode(self.query), headers=fields)
        self.stream = self.connection.getresponse()
        assert self.stream.status == 200 and self.stream.getheader("Content-Type") == "text/event-stream"
        # The first comment says that the stream is open, unless there is an event to say so.
        self.first = self.stream.readline()
        begins = (b":", b"id:", b"event: resync") if self.last_event_id else (b":",)
        assert self.first.startswith(begins), self.first
        return self

    def next(self):
        """The next event: its type and its data."""
        kind, data = "", []
        while True:
            line, self.first = self.first or self.stream.readline(), b""
            if not line:
                raise EOFError
            line = line.decode().rstrip("\n")
            if not line:
                if data:
                    return kind or "message", json.loads("\n".join(data))
                kind = ""
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                kind = value
            elif field == "id" and "\0" not in value:
                self.last_event_id = value

    def cut(self):
        self.connection.close()
        self.stream.close()


class ApiTest(DaemonTest):
    def as_role(self, port, token, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
            return connection.getresponse().status
        finally:
            connection.close()

    def test_answers_are_as_the_description_says(self):
        daemon = self.daemon("test_commander", "chat")
        description = Description(daemon)
        left = {(method, path) for method, path, _ in description.operations() if path.startswith("/api/v1/")}
        left.discard(("GET", "/api/v1/events"))  # below
        for method, path, body, query in TRIED:
            found, operation = description.find(method, path)
            left.discard((method, found))
            target = "/api/v1" + path.replace("{", "").replace("}", "") + ("?" + urllib.parse.urlencode(query) if query else "")
            if body == {"path": "BACKUP"}:
                body = {"path": str(daemon.folder / "copy.db")}
            if isinstance(body, dict):
                content = operation["requestBody"]["content"]["application/json"]["schema"]
                jsonschema.Draft202012Validator({**strict(content), **description.components}).validate(body)
            answer = daemon.request(method, target, body)
            with self.subTest(f"{method} {target}"):
                description.check(operation, answer.status, answer.body, f"{method} {target}: {answer.status}")
        self.assertEqual(set(), left, "routes that nothing tries")
        for path in ("/readyz", "/readyz?verbose"):
            description.check(description.api["paths"]["/readyz"]["get"], 200, daemon.request("GET", path).body, path)
        self.assertTrue(all(check["ok"] for check in daemon.request("GET", "/readyz?verbose").body["checks"]))
        self.queries_are_bounded(daemon, description)

    def queries_are_bounded(self, daemon, description):
        """What the description says a query takes at most is taken, and one more is not."""
        daemon.run_instance("beside", "test-commander")
        tried = 0
        for method, path, operation in description.operations():
            for parameter in operation.get("parameters", []):
                schema = parameter["schema"]
                if parameter["in"] != "query" or method != "GET":
                    continue
                target = path.replace("{name}", "beside").replace("{id}", "1")
                wrong = {"minimum": schema.get("minimum", 0) - 1, "maximum": schema.get("maximum", 0) + 1, "enum": "nonsense"}
                for key in wrong.keys() & schema.keys():
                    answer = daemon.request("GET", f"{target}?{parameter['name']}={wrong[key]}")
                    what = f"{target} {parameter['name']} {key}"
                    self.assertEqual((400, parameter["name"]), (answer.status, answer.body["field"]), what)
                    tried += 1
        self.assertGreater(tried, 20)

    def test_every_route_by_every_role(self):
        daemon = self.daemon(started=False)
        daemon.write(daemon.folder / "longhaul.yaml", b"http: { listen: ['127.0.0.1:0'] }\n")
        daemon.start()
        port = int(re.search(r"serves http://127\.0\.0\.1:(\d+)", daemon.log_path.read_text()).group(1))
        least = {line: role for role, lines in LEAST.items() for line in lines.split("\n") if line}
        described = {f"{method} {path.removeprefix('/api/v1')}": operation["x-role"]
                     for method, path, operation in Description(daemon).operations() if "x-role" in operation}
        self.assertEqual(least, described)
        tokens = {role: daemon.api("POST", "/tokens", {"name": role, "role": role})["token"] for role in ROLES}
        for line, wanted in least.items():
            method, path = line.split(" ")
            # Of nothing that is there, so that nothing is done by who may.
            path = "/api/v1" + path.replace("{name}", "nobody").replace("{id}", "999").replace("{parameter}", "p")
            self.assertEqual(401, self.as_role(port, None, method, path), line)
            for role in ROLES:
                status = self.as_role(port, tokens[role], method, path)
                may = ROLES.index(role) >= ROLES.index(wanted)
                self.assertEqual(may, status not in (401, 403), f"{line} as {role}: {status}")
                self.assertIn(status, range(200, 505) if may else (403,), f"{line} as {role}")
        for path, nobody in (("/livez", 200), ("/readyz", 200), ("/metrics", 401)):
            self.assertEqual(nobody, self.as_role(port, None, "GET", path), path)
            self.assertEqual(200, self.as_role(port, tokens["read"], "GET", path), path)

    def test_events_go_on_where_a_browser_left_them(self):
        daemon = self.daemon()
        browser = Browser(daemon, kind="incident").connect()
        daemon.api("POST", "/incidents", {"name": "one"})
        kind, event = browser.next()
        self.assertEqual(("incident", "one", event["id"]), (kind, event["name"], browser.last_event_id))
        browser.cut()
        for name in ("two", "three"):
            daemon.api("POST", "/incidents", {"name": name})
        browser.connect()
        self.assertEqual(["two", "three"], [browser.next()[1]["name"] for _ in range(2)])
        browser.cut()
        daemon.stop()
        daemon.start()
        browser.connect()
        self.assertEqual("resync", browser.next()[0])
        daemon.api("POST", "/incidents", {"name": "four"})
        self.assertEqual("four", browser.next()[1]["name"])
        browser.cut()

    def test_a_hundred_clients_see_every_event_once(self):
        daemon = self.daemon()
        browsers = [Browser(daemon, kind="incident").connect() for _ in range(100)]
        names = [f"incident {number}" for number in range(20)]
        maker = threading.Thread(target=lambda: [daemon.api("POST", "/incidents", {"name": name}) for name in names])
        maker.start()
        for browser in browsers:
            self.assertEqual(names, [browser.next()[1]["name"] for _ in names])
        maker.join()
        for browser in browsers:
            browser.cut()
        until(lambda: "longhaul_event_readers 0" in daemon.request("GET", "/metrics").body, "the streams are closed")

    def test_metrics_are_what_prometheus_reads(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        text = daemon.request("GET", "/metrics").body
        self.assertIn('longhaul_instance_up{instance="beat",plugin="heartbeat"} 1', text)
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=WAIT_S,
                              check=False)
        self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))


if __name__ == "__main__":
    unittest.main()
