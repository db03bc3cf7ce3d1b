// A daemon with something to see, until Ctrl-C: prints the page's address.
import { scene } from "./scene.mjs";

const { daemon } = await scene();
console.log(`${daemon.url}/`);
process.once("SIGINT", async () => {
  await daemon.end();
  process.exit(0);
});
