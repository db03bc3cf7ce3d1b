// Keeps the store up to date: lists once, then one stream of events a tab. The stream is closed while the tab is hidden, and
// comes back by itself when the daemon was away; then all lists are read anew, so that nothing that was missed stays old.
import { api, get, signedOut, unreachable } from "./api.js";
import {
  activity, connection, instances, loadFailure, loaded, me, now, openIncidents, plugins, putInstances, recent,
  version,
} from "./store.js";

const KINDS = ["state", "health", "removed", "incident", "entry", "plugin", "config", "act"];
const RECENT_MAX = 200;
const FLUSH_MS = 200; // changes of so long are asked for together
const ASKED_BY_NAME_MAX = 40; // beyond it the whole list is one request
const REFRESH_MS = 10000; // counts, which have no events
const RETRY_MS = [500, 1000, 2000, 3000, 5000];

let source = null;
let retry = 0;
let retry_timer = 0;
let flush_timer = 0;
const dirty = new Set();
const listeners = new Set();

/** Calls back with each event; gives what ends that. */
export function onEvent(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

const fresh = () => (connection.value = { state: source ? "live" : connection.value.state, dataAt: Date.now() });

async function loadInstances() {
  const names = [...dirty];
  dirty.clear();
  if (names.length === 0 || names.length > ASKED_BY_NAME_MAX) {
    const { instances: rows } = await get("instances");
    instances.value = new Map(rows.map((row) => [row.name, row]));
  } else {
    const { instances: rows } = await get("instances", { name: names });
    const there = new Set(rows.map((row) => row.name));
    putInstances(rows, names.filter((name) => !there.has(name)));
  }
  fresh();
}

async function loadActivity() {
  const found = await get("activity", { minutes: 60 });
  activity.value = new Map(found.instances.map((row) => [row.name, row]));
}

export const loadPlugins = async () => (plugins.value = (await get("plugins")).plugins);

async function loadIncidents() {
  const [found, counts] = await Promise.all([get("incidents", { status: "active", limit: 20 }), get("incident-counts")]);
  openIncidents.value = { ...counts, rows: found.incidents };
}

/** Instances that an act changed, at once and not only with its event. */
export function touch(...names) {
  for (const name of names) dirty.add(name);
  if (!flush_timer) {
    flush_timer = setTimeout(() => {
      flush_timer = 0;
      if (dirty.size) loadInstances().catch(() => {});
    }, FLUSH_MS);
  }
}

let incidents_timer = 0;
function incidentsChanged() {
  incidents_timer ||= setTimeout(() => {
    incidents_timer = 0;
    loadIncidents().catch(() => {});
  }, FLUSH_MS);
}

function take(event) {
  if (event.kind === "removed") putInstances([], [event.instance]);
  else if (event.kind === "state" || event.kind === "health") touch(event.instance);
  else if (event.kind === "config") touch(...(event.instances ?? []));
  else if (event.kind === "incident") incidentsChanged();
  else if (event.kind === "plugin") loadPlugins().catch(() => {});
  recent.value = [event, ...recent.value].slice(0, RECENT_MAX);
  fresh();
  for (const listener of listeners) listener(event);
}

function close() {
  source?.close();
  source = null;
}

function lost() {
  close();
  connection.value = { ...connection.value, state: "lost" };
  clearTimeout(retry_timer);
  if (document.hidden || signedOut.value) return;
  retry_timer = setTimeout(connect, RETRY_MS[Math.min(retry++, RETRY_MS.length - 1)]);
}

function open(after) {
  source = new EventSource(`/api/v1/events?after=${encodeURIComponent(after)}`);
  source.onopen = () => {
    retry = 0;
    fresh();
  };
  source.onerror = lost;
  source.addEventListener("resync", () => connect());
  for (const kind of KINDS) source.addEventListener(kind, (message) => take(JSON.parse(message.data)));
}

/** Reads all and follows from there. */
export async function connect() {
  close();
  clearTimeout(retry_timer);
  try {
    const who = await get("whoami");
    me.value = who;
    // The place in the stream is taken first: what changes while the lists are read comes again.
    const events = await get("events/recent", { n: RECENT_MAX });
    version.value = await get("version");
    await Promise.all([loadInstances(), loadPlugins(), loadIncidents(), loadActivity()]);
    recent.value = events.events.reverse();
    loaded.value = true;
    loadFailure.value = null;
    signedOut.value = false;
    if (document.hidden) return pause();
    open(events.next);
    for (const listener of listeners) listener({ kind: "resync" });
  } catch (problem) {
    loadFailure.value = problem;
    lost();
  }
}

function pause() {
  close();
  connection.value = { ...connection.value, state: "paused" };
}

export function start() {
  unreachable.report = () => {
    if (connection.value.state === "live") lost();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? (clearTimeout(retry_timer), pause()) : connect()));
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
  setInterval(() => {
    if (connection.value.state !== "live") return;
    dirty.clear();
    Promise.all([loadInstances(), loadActivity()]).catch(() => {});
  }, REFRESH_MS);
  return connect();
}

/** Signs in with a token of the daemon's; the daemon gives a session for it. */
export async function signIn(token) {
  await api("POST", "session", { body: { token } });
  signedOut.value = false;
  await connect();
}
export async function signOut() {
  await api("DELETE", "session");
  close();
  signedOut.value = true;
}
