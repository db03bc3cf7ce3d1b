// The operator's page in a real browser, against a real daemon: what an operator does, and what a page that is left open all
// day lives through.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { browse, Daemon, until, violations } from "./harness.mjs";

const MARKUP = `<img src=x onerror="window.hacked = 1"> & <b>bold</b>`;
const MANY = 1000;
const WAIT_MS = 60000; // for what never comes; a machine may be busy
let browser;
let daemon;
let page;
const faults = []; // what the page's own console and exceptions said

before(async () => {
  daemon = new Daemon(["syslog", "chat", "test_commander", "test_release_1"]);
  daemon.put("instances", [
    { name: "edge", plugin: "syslog", parameters: { listen: "127.0.0.1:0", protocol: "tcp", minSeverity: "debug" } },
    { name: "desk", plugin: "chat", parameters: { listen: `unix:${daemon.run}/chat.sock` } },
    { name: "tool", plugin: "test-commander" },
    { name: "release", plugin: "test-release-good" },
    { name: "absent", plugin: "nowhere" },
  ]);
  [browser] = await Promise.all([browse(), daemon.start()]);
  for (const name of ["edge", "desk", "tool", "release"]) await daemon.running(name);
  await daemon.api("POST", "apply", { instances: [{ name: "mine", plugin: "syslog", parameters: { listen: "127.0.0.1:0" } }] });
  await daemon.api("POST", "users", { username: "anna", role: "operate" });
  await daemon.api("POST", "tokens", { name: "graphs", role: "read" });
  await daemon.api("POST", "incidents", { name: `Disk full ${MARKUP}`, severity: 3, details: MARKUP });
  await daemon.api("POST", "incidents/1/entries", { text: `first ${MARKUP}` });
  page = await open(browser);
});
after(async () => {
  await browser?.close();
  await daemon?.end();
});

async function open(where, { hash = "#/", url = daemon.url, viewport = { width: 1280, height: 800 }, ...options } = {}) {
  const context = where.newContext ? await where.newContext({ viewport, ...options }) : where;
  const made = await context.newPage();
  made.setDefaultTimeout(WAIT_MS);
  made.on("pageerror", (error) => faults.push(String(error.stack)));
  made.on("console", (message) => message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text()) && faults.push(message.text()));
  await made.goto(`${url}/${hash}`);
  await made.locator(".view h1").waitFor();
  return made;
}
/** To another view, as a click on a link does. */
async function to(hash, where = page) {
  await where.evaluate((next) => (location.hash = next), hash);
  await where.locator(".view h1").waitFor();
}
const button = (name, where = page) => where.getByRole("button", { name, exact: true });
const said = (text, where = page) => where.locator(".toast", { hasText: text }).first().waitFor();

describe("an operator", () => {
  test("disables and enables an instance by its switch", async () => {
    await to("#/instances");
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "mine", exact: true }) });
    await row.locator(".state", { hasText: "running" }).waitFor();
    await row.getByRole("switch", { name: "mine enabled" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
    await row.locator(".state", { hasText: "disabled" }).waitFor();
    assert.equal((await daemon.instance("mine")).enabled, false);
    await row.getByRole("switch", { name: "mine enabled" }).click();
    await row.locator(".state", { hasText: "running" }).waitFor();
    assert.equal(await row.getByRole("switch").getAttribute("aria-checked"), "true");
    assert.equal((await daemon.instance("mine")).enabled, true);
  });

  test("sees beside the field what is wrong with a value, and then saves", async () => {
    await to("#/instances/mine/parameters");
    const field = page.getByLabel("Address to listen on");
    await field.fill("not an address");
    await button("Save and restart").click();
    await page.waitForFunction(() => document.querySelector("[aria-invalid=true]") === document.activeElement && document.activeElement.matches("input"));
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    const described = (await field.getAttribute("aria-describedby")).split(" ");
    const fault = await page.locator(`[id="${described.at(-1)}"]`).innerText();
    assert.match(fault, /address/i);
    assert.deepEqual(await violations(page), []);
    assert.equal((await daemon.instance("mine")).config.parameters.listen, "127.0.0.1:0");
    await field.fill("127.0.0.1:0");
    await page.getByLabel("Incident type").fill("Edge");
    await button("Save and restart").click();
    await said("has its new parameters");
    assert.equal((await daemon.instance("mine")).config.parameters.incidentType, "Edge");
  });

  test("makes a new instance from a plugin's form", async () => {
    await to("#/instances/new");
    await page.getByLabel("Plugin").selectOption("syslog");
    await page.getByLabel("Address to listen on").fill("127.0.0.1:0");
    await button("Make and enable").click();
    await page.getByText("An instance wants a name").waitFor();
    await page.getByLabel("Name", { exact: false }).first().fill("third");
    await button("Make and enable").click();
    await page.waitForFunction(() => location.hash === "#/instances/third");
    await page.locator(".head-state .state", { hasText: "running" }).waitFor();
  });

  test("runs a command, and sees the crash that comes of it live, with its stack", async () => {
    await to("#/instances/tool/commands");
    await page.getByRole("combobox", { name: "Command" }).selectOption("echo");
    await button("Run").click();
    await page.getByText("It failed").waitFor();
    await page.getByRole("textbox", { name: "text required" }).fill(MARKUP);
    await button("Run").click();
    await page.locator("pre.words", { hasText: "onerror" }).waitFor();
    const other = await open(page.context(), { hash: "#/instances/tool/crashes" });
    await other.getByText("No worker has ended yet").waitFor();
    await page.getByRole("combobox", { name: "Command" }).selectOption("crash");
    await button("Run").click();
    await other.locator(".crash .stack-list li").first().waitFor();
    assert.match(await other.locator(".crash summary").first().innerText(), /ended by|SIG/);
    await other.locator(".head-state .state", { hasText: "running" }).waitFor();
    assert.deepEqual(await violations(other), []);
    await other.close();
  });

  test("reads the log as it comes: paused, by level, by words", async () => {
    await to("#/instances/edge/log");
    const lines = page.locator(".log li[class^=level-]");
    await lines.first().waitFor();
    const count = async () => lines.count();
    await button("Pause").click();
    const before_it = await count();
    await daemon.api("POST", "instances/edge/restart");
    await until(async () => (await daemon.instance("edge")).current?.generation > 1, "edge has restarted");
    assert.equal(await count(), before_it, "lines came while paused");
    await button("Go on").click();
    await page.waitForFunction((was) => document.querySelectorAll(".log li[class^=level-]").length > was, before_it);
    await page.getByLabel("Filter lines").fill("no line has this");
    await page.getByText("No line has these words.").waitFor();
    await page.getByLabel("Filter lines").fill("");
    await page.getByLabel("Level").selectOption("error");
    await page.waitForFunction(() => [...document.querySelectorAll(".log li")].every((line) => line.matches(".level-error, .gap")));
  });

  test("writes into a war room, reads what others write, and sees a question answered", async () => {
    await to("#/incidents/1");
    await page.getByLabel("New entry").fill(`Freed 20 GiB ${MARKUP}`);
    await button("Add entry").click();
    await page.locator(".entry", { hasText: "Freed 20 GiB" }).waitFor();
    await daemon.api("POST", "incidents/1/entries", { text: "from elsewhere" });
    await page.locator(".entry", { hasText: "from elsewhere" }).waitFor();

    const chat = net.connect((await daemon.instance("desk")).listeners[0].address.replace(/^unix:/, ""));
    let heard = "";
    chat.setEncoding("utf8").on("data", (piece) => (heard += piece));
    chat.write("#1 hello anna\n");
    await until(() => heard.includes("ok #1"), "the chat knows anna");
    await button("Ask…").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Who").fill("anna");
    await dialog.getByLabel("Question", { exact: false }).fill("Order a larger disk?");
    await dialog.getByLabel("Through").selectOption("desk");
    await dialog.getByRole("button", { name: "Ask" }).click();
    const [, thread] = await until(() => /answer (q\d+) yes\|no/.exec(heard), "anna is asked");
    await page.locator(".question", { hasText: "Order a larger disk?" }).getByText("open").waitFor();
    chat.write(`#2 answer ${thread} yes\n`);
    await page.locator(".question", { hasText: "answered: yes" }).waitFor();
    chat.destroy();

    await button("Close").first().click();
    await page.locator(".head-state .state", { hasText: "closed" }).waitFor();
    await button("Open again").click();
    await page.locator(".head-state .state", { hasText: "open" }).waitFor();
  });

  test("rolls a plugin back while its newest release is tried", async () => {
    await to("#/plugins/test-release-good");
    daemon.drop("test_release_2", "test_release_1");
    const newest = page.locator(".releases li", { hasText: "2.0.0" });
    await newest.locator(".state", { hasText: "canary" }).waitFor();
    await page.locator(".releases li", { hasText: "1.0.0" }).getByRole("button", { name: "Roll back to this…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await newest.locator(".state", { hasText: "bad" }).waitFor();
    await until(async () => (await daemon.instance("release")).current?.version === "1.0.0", "1.0.0 runs again");
    await newest.getByRole("button", { name: "Allow…" }).waitFor();
  });
});

describe("what anybody says", () => {
  test("is text and never markup", async () => {
    for (const hash of ["#/", "#/incidents", "#/incidents/1"]) {
      await to(hash);
      await page.getByText("onerror").first().waitFor();
    }
    assert.equal(await page.locator(".view img, .view b:text-is('bold')").count(), 0);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  });

  test("could do nothing even as markup: the policy takes scripts from files alone", async () => {
    const { headers } = await daemon.request("GET", "/");
    assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'self'/);
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.hacked = 2";
      document.body.append(script);
      script.remove();
    });
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("Content Security Policy")));
  });
});

describe("the page", () => {
  const VIEWS = ["#/", "#/instances", "#/instances/edge", "#/instances/edge/log", "#/instances/tool/crashes", "#/instances/mine/parameters",
    "#/instances/tool/commands", "#/instances/tool/context", "#/instances/absent", "#/instances/new", "#/incidents", "#/incidents/1", "#/plugins",
    "#/plugins/test-release-good", "#/people", "#/audit", "#/daemon"];

  test("is free of axe-core's violations in each view, in both schemes", async () => {
    const other = await open(browser, { reducedMotion: "reduce" });
    for (const hash of VIEWS) {
      await to(hash, other);
      await other.waitForFunction(() => !document.querySelector(".view .loading"));
      await other.emulateMedia({ colorScheme: "light" });
      assert.deepEqual(await violations(other), [], `light ${hash}`);
      // The same document in other colours.
      await other.emulateMedia({ colorScheme: "dark" });
      assert.deepEqual(await violations(other, ["color-contrast"]), [], `dark ${hash}`);
    }
    await other.context().close();
  });

  test("fits 360 pixels", async () => {
    const other = await open(browser, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    for (const hash of VIEWS) {
      await to(hash, other);
      await other.waitForFunction(() => !document.querySelector(".view .loading"));
      const wide = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `${hash} is ${wide} pixels too wide`);
    }
    await other.context().close();
  });

  test("is dark when one wants it, also after a reload", async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole("button", { name: "Dark" }).click();
    const dark = await background();
    assert.notEqual(light, dark);
    await page.reload();
    await page.locator(".view h1").waitFor();
    assert.equal(await background(), dark);
    await page.getByRole("button", { name: "As the system" }).click();
    assert.equal(await background(), light);
  });

  test("is reached by the keyboard alone", async () => {
    await to("#/instances");
    await page.keyboard.press("/");
    await page.keyboard.type("edge");
    await page.getByRole("status").filter({ hasText: "1 of" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("audit");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash === "#/audit" && document.activeElement?.matches("h1"));
  });

  test("says that the connection is lost and from when its data are, and comes back by itself", async () => {
    await to("#/instances/edge");
    await page.locator(".link-state.live").waitFor();
    await daemon.stop();
    const banner = page.getByRole("alert").filter({ hasText: /Connection lost, data from \d\d:\d\d:\d\d/ });
    await banner.waitFor();
    assert.deepEqual(await violations(page), []);
    await daemon.start();
    await banner.waitFor({ state: "detached" });
    await page.locator(".link-state.live").waitFor();
    await page.locator(".head-state .state", { hasText: "running" }).waitFor();
    await daemon.api("POST", "instances/edge/disable");
    await page.locator(".head-state .state", { hasText: "disabled" }).waitFor();
    await daemon.api("POST", "instances/edge/enable");
    await page.locator(".head-state .state", { hasText: "running" }).waitFor();
  });

  test("holds one stream of events a tab, and none while the tab is hidden", async () => {
    const readers = async () => Number(/^longhaul_event_readers (\d+)/m.exec((await daemon.request("GET", "/metrics")).text)[1]);
    const hide = (tab, hidden) => tab.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    const context = await browser.newContext();
    await page.goto("about:blank");
    const tabs = [];
    for (let i = 0; i < 8; ++i) {
      const tab = await open(context, { hash: "#/instances" });
      await tab.locator(".link-state.live").waitFor();
      tabs.push(tab);
      if (i < 7) await hide(tab, true);
    }
    await until(async () => (await readers()) === 1, "seven hidden tabs have no stream");
    await daemon.api("POST", "instances/mine/disable");
    for (const [was, is] of [[7, 0], [0, 3], [3, 6]]) {
      await hide(tabs[was], true);
      await hide(tabs[is], false);
      await tabs[is].getByRole("row").filter({ hasText: "mine" }).locator(".state", { hasText: "disabled" }).waitFor();
    }
    await until(async () => (await readers()) === 1, "one stream is open");
    await context.close();
    await daemon.api("POST", "instances/mine/enable");
  });

  test("by TCP wants a token or a link, has its role, and lets one sign out", async () => {
    const context = await browser.newContext();
    const other = await context.newPage();
    other.setDefaultTimeout(WAIT_MS);
    await other.goto(`${daemon.web}/#/instances`);
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.deepEqual(await violations(other), []);
    await other.getByLabel("Token").fill("lh_wrong");
    await button("Sign in", other).click();
    await other.getByRole("alert").filter({ hasText: "Not signed in" }).waitFor();
    const { token } = await daemon.api("POST", "tokens", { name: "browser", role: "operate" });
    await other.getByLabel("Token").fill(token);
    await button("Sign in", other).click();
    await other.locator(".link-state.live").waitFor();
    const row = other.getByRole("row").filter({ has: other.getByRole("link", { name: "mine", exact: true }) });
    await row.getByRole("switch").waitFor();
    await daemon.api("POST", "instances/mine/disable");
    await row.locator(".state", { hasText: "disabled" }).waitFor();
    await row.getByRole("switch").click(); // an act: the daemon holds it to its own page
    await row.locator(".state", { hasText: "running" }).waitFor();
    await to("#/audit", other);
    await other.getByText("This wants the role admin").waitFor();
    await button("Sign out", other).click();
    await other.getByRole("heading", { name: "Sign in" }).waitFor();

    const { url } = await daemon.api("POST", "session/links");
    await other.goto(url);
    await other.locator(".link-state.live").waitFor();
    assert.equal(await other.locator(".who span.small").innerText(), "admin");
    await context.close();
  });

  test("threw nothing and logged no error in all this", () => assert.deepEqual(faults, []));
});

describe(`with ${MANY} instances`, () => {
  let large;
  before(async () => {
    large = new Daemon(["heartbeat"]);
    const rows = Array.from({ length: MANY }, (_, i) => ({ name: `beat-${String(i).padStart(4, "0")}`, plugin: "heartbeat", longRunning: false }));
    large.put("many", rows);
    await large.start(); // ready once the folder was applied
  });
  after(() => large?.end());

  test("the table has few rows in the document, reaches all, and scrolls at ease", async () => {
    const other = await open(browser, { url: large.url, hash: "#/instances" });
    const rows = other.locator("tbody tr:not(.spacer)");
    await other.getByText(/^1,000 instances$/).waitFor();
    assert.ok((await rows.count()) < 100, `${await rows.count()} rows are in the document`);
    // What the page's thread computes for a frame, whatever else the machine does: scripts, styles and layout.
    const devtools = await other.context().newCDPSession(other);
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
    const spent = async () => {
      const { metrics } = await devtools.send("Performance.getMetrics");
      return metrics.filter(({ name }) => /^(Script|Layout|RecalcStyle)Duration$/.test(name)).reduce((sum, { value }) => sum + value, 0);
    };
    const before_it = await spent();
    const FRAMES = 60;
    await other.evaluate(async (frames) => {
      const height = document.documentElement.scrollHeight;
      for (let step = 0; step <= frames; ++step) {
        scrollTo(0, (height * step) / frames);
        await new Promise(requestAnimationFrame);
      }
    }, FRAMES);
    const frame_ms = ((await spent()) - before_it) * 1000 / FRAMES;
    assert.ok(frame_ms < 60, `a frame of scrolling takes ${Math.round(frame_ms)} ms`);
    await other.getByRole("link", { name: "beat-0999" }).waitFor();
    await other.evaluate(() => scrollTo(0, 0));
    await other.getByLabel("Filter instances").fill("0777");
    await other.getByText("1 of 1,000 instances").waitFor();
    assert.equal(await rows.count(), 1);
    await other.getByLabel("Filter instances").fill("");
    await other.getByRole("button", { name: "Instance", exact: false }).first().click();
    await other.getByRole("link", { name: "beat-0999" }).waitFor();
    assert.deepEqual(await violations(other), []);
    await other.context().close();
  });
});
