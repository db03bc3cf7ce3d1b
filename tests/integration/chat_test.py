"""Two people at the chat plugin's socket and an operator at the command line: an incident is opened by direct message,
listed, mirrored, talked about both ways, a question in it answered, closed. Once as it should be, and once with the
worker killed at every step: what was acknowledged is there, and nothing is there twice."""
import itertools
import json
import os
import pwd
import re
import signal
import socket
import unittest

import harness

FOOTER = "\n**From Longhaul chat**"
STRANGER = "I'm sorry but I was unable to find you"


class Person:
    """Somebody at the socket, as with socat: says lines under keys, and again when the connection ended before the
    answer; keeps what comes by itself by its number."""
    keys = itertools.count(1)

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.messages = {}  # number: its lines
        self.connect()

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(harness.WAIT_S)
        self.socket.connect(str(self.path))
        self.buffer, self.seen = b"", set()
        self.answer_to("hello " + self.name, "hello")

    def connect_again(self):
        while self.read() is not None:  # what came before the end is not lost
            pass
        self.close()
        self.connect()

    def close(self):
        self.socket.close()

    def send(self, line, key):
        """False when the connection has ended."""
        try:
            self.socket.sendall(f"#{key} {line}\n".encode())
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def read(self):
        """The next line; None when the connection ended."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        line = line.decode()
        if message := re.match(r"\[(\d+)\] (.*)", line):
            number = int(message.group(1))
            if number not in self.seen:  # after a crash it may come again, whole
                self.messages[number] = []
            self.seen.add(number)
            self.messages[number].append(message.group(2))
        return line

    def answer_to(self, line, key):
        """(done, text), or None when the connection ended before the answer."""
        return self.answer(key) if self.send(line, key) else None

    def answer(self, key):
        text = []
        while (line := self.read()) is not None:
            if line.startswith("| "):
                text.append(line[2:])
            elif line in (f"ok #{key}", f"no #{key}"):
                return line.startswith("ok"), "\n".join(text)
        return None

    def say(self, line, strike=None, key=None):
        """The answer, however often the line has to be said for it. strike() comes between the line and its answer."""
        key = key or f"{self.name}-{next(self.keys)}"
        if strike:
            while not self.send(line, key):
                self.connect_again()
            strike()
            answer = self.answer(key)
        else:
            answer = self.answer_to(line, key)
        while answer is None:
            self.connect_again()
            answer = self.answer_to(line, key)
        return answer

    def texts(self):
        return ["\n".join(lines) for _, lines in sorted(self.messages.items())]

    def wait_for(self, part):
        """The first message that holds the part."""
        while True:
            for text in self.texts():
                if part in text:
                    return text
            if self.read() is None:
                self.connect_again()


class Chat(harness.DaemonTest):
    def setUp(self):
        self.chat = self.daemon("chat")
        self.path = self.chat.run / "chat.sock"
        self.chat.cli("user", "add", "alice", "--email", "alice@example.com", "--role", "operate")
        self.chat.cli("user", "add", "bob", "--email", "bob@example.com", "--role", "read")
        self.chat.run_instance("desk", "chat", {"listen": f"unix:{self.path}"})

    def person(self, name):
        person = Person(self.path, name)
        self.addCleanup(person.close)
        return person

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        harness.until(lambda: self.chat.worker_pid("desk") != pid, "its end is seen")
        self.chat.cli("release", "desk", "--no-wait")  # at once, not after the delay of a crash-loop

    def scenario(self, kills):
        daemon = self.chat
        alice, bob = self.person("alice"), self.person("bob")

        def says(person, line, again=True):
            """Under kills: the worker dies with the line, and the answer is asked for once more under the same key."""
            if not kills:
                return person.say(line)
            pid, key = daemon.worker_pid("desk"), f"{person.name}-{next(Person.keys)}"
            answer = person.say(line, lambda: self.kill(pid), key)
            if again:
                self.assertEqual(answer, person.say(line, key=key), "the same key gave another answer")
            return answer

        def operator(*words):
            pid = daemon.worker_pid("desk") if kills else None
            said = daemon.cli(*words)
            if kills:
                self.kill(pid)
            return said

        # Opened and listed.
        done, text = says(alice, "new incident Disk full on db1")
        self.assertTrue(done, text)
        incident = re.match(r"Successfully created incident (\d+) - Disk full on db1", text).group(1)
        channel = f"incident-{incident}"
        for listing in ("list incidents", "LIST MY INCIDENTS page 1"):
            done, text = says(alice, listing, again=False)
            self.assertTrue(done and text.startswith("```"), text)
            self.assertIn("Disk full on db1", text)

        # Mirrored, and three entries each way.
        done, text = says(alice, f"mirror {incident}")
        self.assertEqual((True, f"Incident {incident} is mirrored to the channel {channel}."), (done, text))
        self.assertEqual((True, f"You read {channel}."), says(bob, f"join {channel}"))
        for number in (1, 2, 3):
            done, entry = says(alice, f"say {channel} in {number}")
            self.assertTrue(done, entry)
            self.assertRegex(entry, rf"^\d+@{incident}$")
            operator("entry", "add", incident, f"out {number}")
            alice.wait_for(f": out {number}")
            bob.wait_for(f": out {number}")
            bob.wait_for(f"{channel}: alice: in {number}")

        # Asked and answered, once.
        operator("ask", incident, "--to", "alice", "--option", "yes", "--option", "no", "May I restart db1?")
        thread = re.search(r"answer (q\d+) yes\|no", alice.wait_for("answer q")).group(1)
        self.assertFalse(says(bob, f"answer {thread} no")[0], "the question was not bob's")
        done, text = says(alice, f"answer {thread} yes")
        self.assertTrue(done, text)  # also killed behind the commit: the same answer again gets the reply that was lost
        self.assertIn("yes", text)
        done, text = says(alice, f"answer {thread} no", again=False)
        self.assertFalse(done, "a second answer counted")
        self.assertIn("answered already, by alice", text)
        question, = json.loads(daemon.cli("questions", "-o", "json"))
        self.assertEqual(("answered", "yes"), (question["state"], question["answer"]))
        self.assertIn("alice", question["answeredBy"])
        self.assertTrue(question["answeredAt"])

        # Nothing that it did was refused for want of a grant.
        self.assertEqual([], daemon.instance("desk")["denied"])

        # Closed.
        done, text = says(alice, f"close {incident} done")
        self.assertEqual((True, f"Incident {incident} is closed."), (done, text))
        alice.wait_for("The channel is closed.")
        self.check(incident, alice, bob)

    def check(self, incident, alice, bob):
        rows = self.chat.incidents()
        self.assertEqual([(incident, "Disk full on db1", "closed", "alice")],
                         [(row["id"], row["name"], row["status"], row["owner"]) for row in rows])
        entries = json.loads(self.chat.cli("entries", incident, "-o", "json"))
        texts = [entry["text"] for entry in entries]
        for number in (1, 2, 3):
            self.assertEqual(1, texts.count(f"in {number}{FOOTER}"), texts)
            self.assertEqual(1, texts.count(f"out {number}"), texts)
        self.assertEqual(3, sum(FOOTER in text for text in texts), texts)
        self.assertEqual((1, 0), (texts.count("yes"), texts.count("no")), texts)
        said = {entry["text"]: entry["author"] for entry in entries}
        self.assertIn("alice", said[f"in 1{FOOTER}"])
        for person in (alice, bob):
            texts = person.texts()
            heard = [found.group(1) for text in texts if (found := re.fullmatch(r"incident-\d+: \S+: (out \d)", text))]
            self.assertEqual(["out 1", "out 2", "out 3"], heard, texts)
            own = [] if person is alice else [f"incident-{incident}: alice: in {number}" for number in (1, 2, 3)]
            self.assertEqual(own, [text for text in texts if re.search(r"\bin \d", text)], texts)

    def test_an_incident_lives_in_the_chat_from_its_opening_to_its_end(self):
        self.scenario(kills=False)

    def test_the_same_with_the_worker_killed_at_every_step(self):
        self.scenario(kills=True)
        self.assertGreater(self.chat.instance("desk")["restartsCount"], 10)

    def expired(self, incident):
        """The incident's one question, once its time was out."""
        def closed():
            question, = json.loads(self.chat.cli("questions", incident, "-o", "json"))
            return question["state"] != "open" and question
        return harness.until(closed, "the question is closed")

    def test_a_question_is_reminded_of_once_and_closed_with_its_default_when_the_time_is_out(self):
        daemon, alice = self.chat, self.person("alice")
        incident = daemon.cli("incident", "create", "Disk full", "-o", "name").strip()
        words = ("ask", incident, "--to", "alice", "--instance", "desk", "--option", "yes", "--option", "no",
                 "--default", "no", "May I restart db1?")
        code, _, said = daemon.cli(*words, "--remind", "2s", "--timeout", "1s", code=None)
        self.assertNotEqual(0, code)
        self.assertIn("let it come before", said)
        daemon.cli(*words, "--remind", "500ms", "--timeout", "6s")
        thread = re.search(r"answer (q\d+) yes\|no", alice.wait_for("answer q")).group(1)
        alice.wait_for("Reminder: May I restart db1?")
        question = self.expired(incident)
        self.assertEqual(("expired", "no"), (question["state"], question["answer"]))
        self.assertNotIn("answeredBy", question)
        for earlier, later in (("createdAt", "remindAt"), ("remindAt", "remindedAt"), ("remindedAt", "expiresAt"),
                               ("expiresAt", "answeredAt")):
            self.assertLessEqual(question[earlier], question[later], (earlier, later))
        entry = json.loads(daemon.cli("entries", incident, "-o", "json"))[-1]
        self.assertEqual(("longhaul", "No answer of alice in time: taken as no"), (entry["author"], entry["text"]))
        self.assertEqual(question["entry"], entry["id"])
        done, text = alice.say(f"answer {thread} yes")
        self.assertFalse(done, "an answer counted when the time was out")
        self.assertIn("the time for this question was out at", text)
        self.assertIn('"no" counts as the answer', text)
        self.assertEqual("no", self.expired(incident)["answer"])
        asked = [text for text in alice.texts() if "May I restart db1?" in text]
        self.assertEqual([False, True], [text.startswith("Reminder: ") for text in asked], asked)
        self.assertEqual((True, "No question waits for you."), alice.say("questions"))

    def test_the_time_of_a_question_also_runs_out_while_the_host_is_down(self):
        daemon = self.chat
        incident = daemon.cli("incident", "create", "Disk full", "-o", "name").strip()
        daemon.cli("ask", incident, "--to", "alice", "--instance", "desk", "--default", "no", "--timeout", "1s", "May I?")
        daemon.kill()
        daemon.start()
        question = self.expired(incident)
        self.assertEqual(("expired", "no"), (question["state"], question["answer"]))
        texts = [entry["text"] for entry in json.loads(daemon.cli("entries", incident, "-o", "json"))]
        self.assertEqual(1, sum("in time" in text for text in texts), texts)

    def test_what_nobody_could_answer_is_not_asked(self):
        daemon = self.chat
        for entitlement, expiry, why in (("g@1", "2020-01-01 00:00:00", "the time for an answer was out at"),
                                         ("made up", "", "guid@incident|task is wanted")):
            question = json.dumps({"message": "?", "entitlement": entitlement, "expiry": expiry})
            code, out, said = daemon.cli("exec", "desk", "send-notification", "to=alice", f"message={question}", code=None)
            self.assertNotEqual(0, code, out)
            self.assertIn(why, out + said)
        # Of one that is well formed only the host knows, once it is answered.
        question = json.dumps({"message": "?", "entitlement": "nobodys@1"})
        daemon.cli("exec", "desk", "send-notification", "to=alice", f"message={question}")
        alice = self.person("alice")
        thread = re.search(r"answer (q\d+)", alice.wait_for("answer q")).group(1)
        done, text = alice.say(f"answer {thread} yes")
        self.assertFalse(done)
        self.assertIn("no incident has id 1", text)

    def test_whom_and_which_incident_nobody_knows_is_an_error(self):
        daemon = self.chat
        daemon.cli("incident", "create", "Disk full")
        code, out, said = daemon.cli("exec", "desk", "send-notification", "to=nobody", "message=hello", code=None)
        self.assertEqual(4, code, out + said)
        self.assertIn('the host knows no user "nobody"', said)
        for words in (("exec", "desk", "mirror-investigation", "--incident", "99999"), ("questions", "99999"),
                      ("exec", "desk", "send-notification", "to=alice", "message=x", "--incident", "99999")):
            code, out, said = daemon.cli(*words, code=None)
            self.assertEqual((4, ""), (code, out), words)
            self.assertIn("99999", said)
        self.assertEqual("NOT_FOUND", daemon.request("GET", "/api/v1/mirrors?incident=99999").body["code"])
        self.assertEqual([], json.loads(daemon.cli("questions", "1", "-o", "json")))
        daemon.cli("exec", "desk", "send-notification", "to=alice", "message=x", "--incident", "1")

    def test_what_a_chat_that_is_down_has_not_taken_is_counted(self):
        incident = self.chat.cli("incident", "create", "Disk full", "-o", "name").strip()
        self.person("alice").say(f"mirror {incident}")
        self.chat.cli("disable", "desk")
        for number in (1, 2):
            self.chat.cli("entry", "add", incident, f"out {number}")
        mirror, = json.loads(self.chat.cli("mirrors", "-o", "json"))
        self.assertEqual((2, "desk is disabled"), (mirror["waitingCount"], mirror["waitsFor"]))
        self.assertIn("desk is disabled", self.chat.cli("mirrors"))
        self.assertIn("Mirrors: 1 incident, 2 entries waiting: desk is disabled", self.chat.cli("status", "desk"))
        self.assertIn("2 entries of mirrored incidents wait for desk: desk is disabled",
                      self.chat.cli("doctor", code=None)[1])
        self.chat.cli("enable", "desk")
        harness.until(lambda: json.loads(self.chat.cli("mirrors", "-o", "json"))[0]["waitingCount"] == 0, "all is sent")
        self.assertNotIn("waitsFor", json.loads(self.chat.cli("mirrors", "-o", "json"))[0])
        self.assertIn("Mirrors: 1 incident, 0 entries waiting\n", self.chat.cli("status", "desk"))

    def test_through_a_chat_that_rests_nothing_is_asked_unless_it_may_wait(self):
        daemon = self.chat
        incident = daemon.cli("incident", "create", "Disk full", "-o", "name").strip()
        daemon.cli("disable", "desk")
        words = ("ask", incident, "--to", "alice", "--instance", "desk", "--default", "no", "May I?")
        code, out, said = daemon.cli(*words, "--timeout", "1s", code=None)
        self.assertEqual((1, ""), (code, out))
        self.assertIn("desk is disabled: the question would reach nobody", said)
        self.assertIn("longhaul enable desk", said)
        self.assertEqual([], json.loads(daemon.cli("questions", incident, "-o", "json")))
        self.assertEqual([], json.loads(daemon.cli("entries", incident, "-o", "json")))
        daemon.cli(*words, "--wait")
        question, = json.loads(daemon.cli("questions", incident, "-o", "json"))
        self.assertEqual(("open", "desk is disabled"), (question["state"], question["waitsFor"]))
        self.assertIn("1 question through desk did not go out: desk is disabled", daemon.cli("doctor", code=None)[1])
        daemon.cli("enable", "desk")
        self.person("alice").wait_for("May I?")
        harness.until(lambda: "sentAt" in json.loads(daemon.cli("questions", incident, "-o", "json"))[0], "it was sent")
        self.assertNotIn("waitsFor", json.loads(daemon.cli("questions", incident, "-o", "json"))[0])

    def test_a_worker_for_commands_alone_has_its_listener_and_lets_it_go_with_its_end(self):
        daemon = self.chat
        daemon.cli("disable", "desk")
        self.assertIn("ok", daemon.cli("test", "desk"))
        daemon.cli("exec", "desk", "close-channel", "channel=incident-1")
        harness.until(lambda: not self.path.exists(), "the socket is gone with the worker")
        self.assertEqual([], daemon.instance("desk")["listeners"])
        # Its address is another's now: that is said, and that one is left alone.
        daemon.run_instance("other", "chat", {"listen": f"unix:{self.path}"})
        code, out, said = daemon.cli("test", "desk", code=None)
        self.assertNotEqual(0, code)
        self.assertIn("other", out + said)
        self.assertTrue(self.person("alice").say("list incidents")[0])
        daemon.cli("disable", "other")
        daemon.cli("enable", "desk")
        self.assertTrue(self.person("alice").say("list incidents")[0])

    def test_what_people_do_through_the_chat_is_in_the_audit(self):
        daemon, alice, bob = self.chat, self.person("alice"), self.person("bob")
        alice.say("new incident Disk full")
        alice.say("mirror 1")
        bob.say("close 1")
        alice.say("list incidents")
        daemon.cli("ask", "1", "--to", "alice", "May I?")
        thread = re.search(r"answer (q\d+)", alice.wait_for("answer q")).group(1)
        alice.say(f"answer {thread} yes")
        alice.say("close 1 done")
        rows = [row for row in json.loads(daemon.cli("audit", "--oldest", "-o", "json")) if "through" in row["detail"]]
        self.assertEqual([("alice", "operate", "incidents.create", "1", "done"),
                          ("alice", "operate", "incidents.mirror", "1", "done"),
                          ("bob", "read", "incidents.close", "1"),
                          ("alice", "operate", "incidents.questions.answer", "1", "done"),
                          ("alice", "operate", "incidents.close", "1", "done")],
                         [tuple(row[key] for key in ("actor", "role", "act", "target", "outcome")
                                if key != "outcome" or row[key] == "done") for row in rows])
        self.assertTrue(rows[2]["outcome"].startswith("NOT_GRANTED: You may not close incidents"), rows[2])
        self.assertEqual({("desk", "chat")}, {(row["detail"]["through"], row["detail"]["provider"]) for row in rows})
        self.assertEqual("alice@example.com", rows[3]["detail"]["identity"])

    def test_who_wrote_at_the_command_line_is_a_person_of_the_incident(self):
        login = pwd.getpwuid(os.getuid()).pw_name
        self.chat.cli("user", "add", "olga", "--role", "operate", "--identity", f"unix:{login}")
        incident = self.chat.cli("incident", "create", "Disk full", "-o", "name").strip()
        self.chat.cli("entry", "add", incident, "I look")
        self.person("alice").say(f"mirror {incident}")
        self.assertIn(f"incident-{incident}  all:both  (you read it)", self.person("Olga").say("channels")[1])

    def test_a_stranger_opens_nothing_and_a_reader_closes_nothing(self):
        mallory, bob = self.person("mallory"), self.person("bob")
        done, text = mallory.say("new incident mine")
        self.assertFalse(done)
        self.assertIn(STRANGER, text)
        id = json.loads(self.chat.cli("incident", "create", "Disk full", "-o", "json"))["id"]
        done, text = bob.say(f"close {id}")
        self.assertIn("You may not close incidents", text)
        self.assertEqual(["Disk full"], [row["name"] for row in self.chat.incidents(status="active")])

    def test_lines_for_somebody_who_is_away_wait_over_a_restart_of_the_host(self):
        self.chat.cli("exec", "desk", "send-notification", "to=alice@example.com", "message=Call me back")
        self.chat.stop()
        self.chat.start()
        self.chat.wait("desk")
        self.assertIn("Call me back", self.person("alice").wait_for("Call me back"))
        self.chat.stop()
        self.chat.start()
        self.chat.wait("desk")
        later = self.person("alice")
        later.say("channels")  # what waits comes before the answer
        self.assertEqual([], later.texts())


if __name__ == "__main__":
    unittest.main()
