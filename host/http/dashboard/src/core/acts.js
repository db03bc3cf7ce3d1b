// What an operator does to instances. Each tells what came of it as a toast.
import { confirm, failed, toast } from "../parts/basics.js";
import { api, pathOf, post } from "./api.js";
import { touch } from "./live.js";
import { putInstances } from "./store.js";

const DONE = { enable: "is enabled", disable: "is disabled", restart: "restarts", release: "is tried again" };

/** enable, disable, restart, release. */
export async function act(name, what) {
  if (what === "disable") {
    const text = `Its worker is stopped, and its listeners are closed. What it keeps stays.`;
    if (!(await confirm({ title: `Disable ${name}?`, text, act: "Disable", danger: true }))) return;
  }
  try {
    const { instance } = await post(pathOf("instances", name, what));
    if (instance) putInstances([instance]);
    toast(`${name} ${DONE[what]}`);
  } catch (problem) {
    failed(problem, `${name} cannot be ${what === "release" ? "tried again" : `${what}d`.replace("restartd", "restarted")}`);
  }
  touch(name);
}

/** {passed, result, warning} of the plugin's own test. */
export const test = (name) => post(pathOf("instances", name, "test"));

export async function remove(name) {
  const text = "Its context, logs and data are deleted. Its incidents stay. This cannot be undone.";
  if (!(await confirm({ title: `Remove ${name}?`, text, act: "Remove for good", danger: true }))) return false;
  try {
    await api("DELETE", pathOf("instances", name), { query: { yes: true } });
    putInstances([], [name]);
    toast(`${name} is removed`);
    return true;
  } catch (problem) {
    failed(problem, `${name} is not removed`);
    return false;
  }
}
