// Makes the pictures of README.md and docs/DASHBOARD.md: node pictures.mjs FOLDER. Takes eight minutes, so that there is a
// curve of activity in them.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { browse } from "./harness.mjs";
import { scene, traffic } from "./scene.mjs";

const TRAFFIC_MS = 8 * 60000;

const folder = process.argv[2];
if (!folder) throw new Error("usage: node pictures.mjs FOLDER");
mkdirSync(folder, { recursive: true });
const { daemon, incident } = await scene();
const browser = await browse();
try {
  const SHOTS = [["overview", "#/", "light", 1280, 800], ["instances", "#/instances", "dark", 1280, 640], ["room", `#/incidents/${incident}`, "light", 1280, 640],
    ["crash", "#/instances/tickets/crashes", "dark", 1280, 760]];
  await daemon.api("POST", "instances/tickets/execute", { command: "crash" }).catch(() => {});
  await daemon.running("tickets");
  await traffic(daemon, Number(process.env.LONGHAUL_TRAFFIC_MS ?? TRAFFIC_MS));
  for (const [name, hash, colorScheme, width, height] of SHOTS) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
    await page.goto(`${daemon.url}/${hash}`);
    await page.locator(".link-state.live").waitFor();
    await page.waitForFunction(() => !document.querySelector(".view .loading"));
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: path.join(folder, `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  await daemon.end();
}
