// A real longhauld in a folder of its own, a browser, and between them a TCP port that forwards to the daemon's socket.
//
//   LONGHAUL_BIN      the folder of longhauld and longhaul-worker
//   LONGHAUL_PLUGINS  the folder of the plugins' .so files
//   LONGHAUL_MODULES  the folder whose node_modules has playwright-core and axe-core
//   LONGHAUL_CHROMIUM a Chromium; else Debian's chromium-headless-shell or chromium
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const BIN = path.resolve(process.env.LONGHAUL_BIN ?? "build/dev/bin");
const PLUGINS = path.resolve(process.env.LONGHAUL_PLUGINS ?? "build/dev/plugins");
const MODULES = path.resolve(process.env.LONGHAUL_MODULES ?? "build/dev/tests/browser");
const START_MS = 60000;
const WAIT_MS = 60000;
const AGAIN_MS = 20;

const require = createRequire(path.join(MODULES, "package.json"));
export const { chromium } = require("playwright-core");
export const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** What condition() gives once it is true; for what nobody can wait on by itself. */
export async function until(condition, what, ms = WAIT_MS) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

export class Daemon {
  constructor(plugins = []) {
    this.folder = mkdtempSync(path.join(tmpdir(), "longhaul-browser-"));
    for (const name of ["plugins", "instances", "state", "run"]) {
      this[name] = path.join(this.folder, name);
      mkdirSync(this[name], { mode: 0o711 });
    }
    chmodSync(this.folder, 0o711); // workers have uids of their own
    writeFileSync(path.join(this.folder, "longhaul.yaml"), "http: { listen: ['127.0.0.1:0'] }\n");
    this.socket = path.join(this.run, "longhaul.sock");
    this.log = path.join(this.folder, "longhauld.log");
    this.sockets = new Set();
    for (const plugin of plugins) this.drop(plugin);
  }

  // As an operator writes files: beside, then renamed into place.
  write(file, put) {
    const beside = path.join(path.dirname(file), `.${path.basename(file)}.new`);
    put(beside);
    renameSync(beside, file);
  }
  drop(plugin, name = plugin) {
    this.write(path.join(this.plugins, `${name}.so`), (beside) => copyFileSync(path.join(PLUGINS, `${plugin}.so`), beside));
  }
  put(file, rows) {
    this.write(path.join(this.instances, `${file}.yaml`), (beside) => writeFileSync(beside, JSON.stringify({ instances: rows })));
  }

  async start() {
    const log = openSync(this.log, "a");
    this.process = spawn(path.join(BIN, "longhauld"), ["--config", path.join(this.folder, "longhaul.yaml"), "--instances-dir", this.instances,
      "--plugin-dir", this.plugins, "--state-dir", this.state, "--run-dir", this.run], { stdio: ["ignore", log, log] });
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    await until(async () => {
      if (this.process.exitCode !== null) throw new Error(`longhauld ended with ${this.process.exitCode}: ${readFileSync(this.log, "utf8").slice(-3000)}`);
      return (await this.request("GET", "/readyz").catch(() => ({}))).status === 200;
    }, "the daemon is ready", START_MS);
    await this.forward();
    // A file that was dropped a moment before the start is taken up a moment after it.
    const names = readdirSync(this.plugins).filter((name) => name.endsWith(".so"));
    await until(async () => {
      const known = new Set((await this.api("GET", "plugins")).plugins.map((row) => path.basename(row.path)));
      return names.every((name) => known.has(name));
    }, "the plugins are looked at");
  }
  async stop() {
    this.process.kill("SIGTERM");
    await this.ended;
  }
  /** Whatever state it is in: nothing of it is left. */
  async end() {
    if (this.process && this.process.exitCode === null && this.process.signalCode === null) await this.stop();
    for (const socket of this.sockets) socket.destroy();
    this.server?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The daemon's own address by TCP, where one has to sign in. */
  get web() {
    return /serves (http:\/\/127\.0\.0\.1:\d+)(?![^]*serves http:)/.exec(readFileSync(this.log, "utf8"))[1];
  }

  // The port outlives the daemon, as one of the daemon's own would be bound again.
  async forward() {
    if (this.server) return;
    this.server = net.createServer((client) => {
      const upstream = net.connect(this.socket);
      for (const [one, other] of [[client, upstream], [upstream, client]]) {
        this.sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => (this.sockets.delete(one), other.destroy()));
        one.pipe(other);
      }
    });
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  request(method, target, body) {
    return new Promise((resolve, reject) => {
      const request = http.request({ socketPath: this.socket, method, path: target }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (piece) => (text += piece));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
        answer.on("error", reject);
      });
      request.on("error", reject);
      request.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    });
  }
  /** The body of an answer that is a success. */
  async api(method, target, body) {
    const answer = await this.request(method, `/api/v1/${target}`, body);
    if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }
  instance(name) {
    return this.api("GET", `instances/${name}`);
  }
  async running(name) {
    await until(async () => (await this.request("GET", `/api/v1/instances/${name}`)).status === 200, `${name} is known`);
    const found = await this.api("GET", `instances/${name}?wait=running&timeoutMs=30000`);
    if (found.wait.outcome !== "reached") throw new Error(`${name} is not running: ${found.state}, ${found.reason}`);
    return found;
  }
}

/** Starts Debian's Chromium. */
export function browse(options = {}) {
  const found = [process.env.LONGHAUL_CHROMIUM, "/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find((file) => file && existsSync(file));
  if (!found) throw new Error("no Chromium is here: cmake/install_packages.sh test installs it, or name one by LONGHAUL_CHROMIUM");
  return chromium.launch({ executablePath: found, args: ["--no-sandbox", "--force-color-profile=srgb"], ...options });
}

/** What axe-core finds wrong on the page as it is now, as sentences; by `rules` alone where they are named. */
export async function violations(page, rules) {
  // By the protocol, not by a script element: the page's own policy stays as it is.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(`${AXE}; 0`);
  const runOnly = rules ? { type: "rule", values: rules }
    : { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
  const { violations: found } = await page.evaluate((only) => axe.run(document, { resultTypes: ["violations"], runOnly: only }), runOnly);
  return found.flatMap(({ id, nodes }) => nodes.slice(0, 4).map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`));
}
