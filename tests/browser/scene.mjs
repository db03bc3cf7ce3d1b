// A daemon with something to see: for pictures, and to look at the page by hand.
import net from "node:net";
import { Daemon, until } from "./harness.mjs";

const SYSLOG = { protocol: "tcp", minSeverity: "info" };
const LINES = [
  ["130", "core-1", "bgpd[911]", "neighbor 198.51.100.7 Down: hold timer expired"],
  ["134", "edge-fw", "sshd[2211]", "Failed password for invalid user admin from 203.0.113.9 port 50122"],
  ["131", "db-3", "smartd[640]", "Device /dev/sda: 8 currently unreadable sectors"],
  ["132", "edge-fw", "kernel", "nf_conntrack: table full, dropping packet"],
  ["134", "mail-1", "postfix/smtpd[3310]", "warning: TLS handshake failed for 192.0.2.44"],
  ["129", "core-2", "chassisd[77]", "Power supply 1 failed"],
  ["132", "lb-2", "haproxy[1204]", "backend api has no server available"],
];

const send = (address, lines) => new Promise((resolve, reject) => {
  const [host, port] = address.split(":");
  const socket = net.connect(Number(port), host, () => socket.end(lines.map((line) => `${line}\n`).join("")));
  socket.on("close", resolve).on("error", reject);
});
const tcpOf = (instance) => instance.listeners.find((one) => one.transport === "tcp").address;
// RFC 5424.
const lineOf = ([priority, host, app, text]) =>
  `<${priority}>1 ${new Date().toISOString()} ${host} ${app.replace(/\[.*/, "")} ${/\[(\d+)\]/.exec(app)?.[1] ?? "-"} - - ${text}`;

/** A line now and then for so long, so that curves have a form. */
export async function traffic(daemon, ms) {
  const names = ["edge-syslog", "core-syslog", "mail-syslog"];
  const addresses = await Promise.all(names.map(async (name) => tcpOf(await daemon.instance(name))));
  const end = Date.now() + ms;
  for (let i = 0; Date.now() < end; ++i) {
    const phase = Math.sin(Date.now() / 40000) + 1.2;
    await send(addresses[i % 3], [lineOf(LINES[i % LINES.length])]);
    await new Promise((resolve) => setTimeout(resolve, 3500 / phase));
  }
}

export async function scene() {
  const daemon = new Daemon(["syslog", "heartbeat", "chat", "test_seeded", "test_commander"]);
  daemon.put("syslog", ["edge-syslog", "core-syslog", "mail-syslog", "dmz-syslog"].map((name) => ({ name, plugin: "syslog", parameters: { ...SYSLOG, listen: "127.0.0.1:0" } })));
  daemon.put("more", [
    { name: "beat", plugin: "heartbeat" },
    { name: "desk", plugin: "chat", parameters: { listen: `unix:${daemon.run}/chat.sock` } },
    { name: "tickets", plugin: "test-commander" },
    { name: "nightly-report", plugin: "heartbeat", longRunning: false },
    { name: "old-bridge", plugin: "bridge" },
  ]);
  await daemon.start();
  for (const name of ["edge-syslog", "core-syslog", "mail-syslog", "dmz-syslog", "beat", "desk", "tickets"]) await daemon.running(name);
  await daemon.api("POST", "users", { username: "anna", name: "Anna Arnold", email: "anna@example.org", role: "operate" });
  await daemon.api("POST", "users", { username: "ben", name: "Ben Okafor", role: "admin" });
  await daemon.api("POST", "tokens", { name: "grafana", role: "read" });
  for (const [i, name] of ["edge-syslog", "core-syslog", "mail-syslog"].entries()) {
    const rows = LINES.filter((_, k) => (k + i) % 2 === 0 || i === 0);
    await send(tcpOf(await daemon.instance(name)), rows.map(lineOf));
  }
  const found = await until(async () => {
    const { incidents } = await daemon.api("GET", "incidents?limit=100");
    return incidents.length >= LINES.length && incidents;
  }, "incidents");
  const first = found.find((one) => /bgpd|neighbor/.test(one.name)) ?? found[0];
  await daemon.api("POST", `incidents/${first.id}/entries`, { text: "The peer's interface is up, so it is their side. I wrote to their NOC, ticket 88-1203." });
  await daemon.api("POST", `incidents/${first.id}/entries`, { text: "Traffic goes through core-2 meanwhile; latency to the east is 4 ms higher." });
  await daemon.api("POST", `incidents/${first.id}/assign`, { owner: "anna" });
  await daemon.api("POST", `incidents/${first.id}/questions`, { to: "anna", text: "Shut the session down until they answer?", options: ["yes", "no"], instance: "desk" });
  await daemon.api("POST", `incidents/${found.findLast((one) => one.id !== first.id).id}/close`, {});
  return { daemon, incident: first.id };
}
