// What the page knows: signals, filled by live.js and by acts. Views read them.
import { computed, signal } from "@preact/signals";

export const me = signal(null); // {name, role}
export const version = signal(null);
export const instances = signal(new Map()); // name -> the instance object of lists
export const plugins = signal([]);
export const activity = signal(new Map()); // name -> {incidents: [...], calls: [...]}, a number a minute
export const openIncidents = signal({ active: 0, closed: 0, byHour: [], rows: [] });
export const recent = signal([]); // events, the newest first
/** Whether the lists were there once. */
export const loaded = signal(false);
export const loadFailure = signal(null);
/** "connecting", "live", "paused" (hidden) or "lost"; dataAt: when something last came (ms). */
export const connection = signal({ state: "connecting", dataAt: Date.now() });
/** The present, once a second: ages and uptimes. */
export const now = signal(Date.now());

const RANKS = { read: 0, operate: 1, admin: 2 };
export const may = (role) => (RANKS[me.value?.role] ?? 0) >= RANKS[role];
export const sorted = computed(() => [...instances.value.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));

export function putInstances(rows, gone = []) {
  const next = new Map(instances.value);
  for (const row of rows) next.set(row.name, row);
  for (const name of gone) next.delete(name);
  instances.value = next;
}

/** Groups of states for tiles and filters, by how much they want somebody. */
export const GROUPS = [
  { id: "attention", label: "Need attention", states: ["crash-loop", "quarantined", "refused", "held", "orphaned"] },
  { id: "moving", label: "Under way", states: ["starting", "stopping", "backoff"] },
  { id: "running", label: "Running", states: ["running"] },
  { id: "resting", label: "At rest", states: ["idle", "completed", "disabled"] },
];

/** Whether somebody should look: by its state, or by what its plugin says of its health. */
export function wantsAttention(instance) {
  if (GROUPS[0].states.includes(instance.state)) return true;
  return ["error", "unresponsive"].includes(instance.health?.state) && instance.state === "running";
}
export function groupOf(instance) {
  if (wantsAttention(instance)) return "attention";
  return GROUPS.find((group) => group.states.includes(instance.state))?.id ?? "resting";
}

export const groupCounts = computed(() => {
  const counts = { attention: 0, moving: 0, running: 0, resting: 0 };
  for (const instance of instances.value.values()) counts[groupOf(instance)] += 1;
  return counts;
});
