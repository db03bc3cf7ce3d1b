// What stands around each view: where one can go, who one is, and whether what is shown is of now.
import { useEffect, useRef, useState } from "preact/hooks";
import { signedOut } from "../core/api.js";
import { clockOf, countOf } from "../core/format.js";
import { html } from "../core/html.js";
import { connect, signIn, signOut } from "../core/live.js";
import { go, link, route } from "../core/router.js";
import { connection, groupCounts, loaded, loadFailure, me, openIncidents, plugins, sorted } from "../core/store.js";
import { choice, choose, THEMES } from "../core/theme.js";
import { useAct } from "../core/use.js";
import { Button, Card, Confirmation, Dialog, failed, Loading, ProblemNote, Toasts } from "../parts/basics.js";
import { Text } from "../parts/form.js";
import { Icon, Shape, State } from "../parts/icon.js";
import icon from "../icon.svg";
import { Audit } from "./audit.js";
import { Daemon } from "./daemon.js";
import { Incidents } from "./incidents.js";
import { Instance } from "./instance.js";
import { Instances } from "./instances.js";
import { Overview } from "./overview.js";
import { NewInstance } from "./parameters.js";
import { People } from "./people.js";
import { Plugin, Plugins } from "./plugins.js";
import { Room } from "./room.js";

const PLACES = [["", "Overview", "overview"], ["instances", "Instances", "instances"], ["incidents", "Incidents", "incidents"], ["plugins", "Plugins", "plugins"],
  ["people", "People", "people"], ["audit", "Audit", "audit"], ["daemon", "Daemon", "daemon"]];
const THEME_NAMES = { auto: ["auto", "As the system"], light: ["sun", "Light"], dark: ["moon", "Dark"] };

function View() {
  const [place, name] = route.value.segments;
  if (!place) return html`<${Overview}/>`;
  if (place === "instances") return name === "new" ? html`<${NewInstance}/>` : name ? html`<${Instance} key=${name} name=${name}/>` : html`<${Instances}/>`;
  if (place === "incidents") return name ? html`<${Room} key=${name} id=${name}/>` : html`<${Incidents}/>`;
  if (place === "plugins") return name ? html`<${Plugin} key=${name} id=${name}/>` : html`<${Plugins}/>`;
  if (place === "people") return html`<${People}/>`;
  if (place === "audit") return html`<${Audit}/>`;
  if (place === "daemon") return html`<${Daemon}/>`;
  return html`<div class="page-head"><h1 tabindex="-1">There is nothing here</h1></div><p><a href="#/">Overview</a></p>`;
}

function Side() {
  const here = route.value.segments[0] ?? "";
  const { attention } = groupCounts.value;
  return html`<header class="side"><a class="skip" href="#view" onClick=${(event) => (event.preventDefault(), document.querySelector(".view h1")?.focus())}>To the content</a><a class="brand" href="#/"><img src=${icon} alt="" width="26" height="26"/>Longhaul</a>
    <nav aria-label="Main"><${Jump}/><ul>${PLACES.map(([id, text, shape]) => html`<li><a href=${id ? link(id) : "#/"} aria-current=${here === id ? "page" : undefined}><${Icon} name=${shape}/>${text}
      ${id === "instances" && attention > 0 && html`<span class="count bad" title="need attention">${countOf(attention)}<span class="unseen"> need attention</span></span>`}
      ${id === "incidents" && openIncidents.value.active > 0 && html`<span class="count">${countOf(openIncidents.value.active)}<span class="unseen"> open</span></span>`}</a></li>`)}</ul></nav>
    <div class="side-end"><${Link}/>
      <div class="themes" role="group" aria-label="Colours">${THEMES.map((id) => html`<button type="button" aria-pressed=${choice.value === id ? "true" : "false"} aria-label=${THEME_NAMES[id][1]} title=${THEME_NAMES[id][1]}
        onClick=${() => choose(id)}><${Icon} name=${THEME_NAMES[id][0]}/></button>`)}</div>
      ${me.value && html`<div class="who"><span class="badge-letter" aria-hidden="true">${me.value.name[0]?.toUpperCase()}</span><div><b title=${me.value.name}>${me.value.name}</b><span class="muted small">${me.value.role}</span></div>
        ${me.value.session && html`<button type="button" class="button ghost small" aria-label="Sign out" title="Sign out" onClick=${() => signOut().catch((problem) => failed(problem, "Still signed in"))}><${Icon} name="out"/></button>`}</div>`}</div></header>`;
}

const LINKS = { live: "Live", connecting: "Connecting", paused: "Paused", lost: "Connection lost" };
function Link() {
  const { state } = connection.value;
  return html`<div class=${`link-state ${state}`} role="status"><span class="dot" aria-hidden="true"></span><span>${LINKS[state]}</span></div>`;
}

function Banner() {
  const { state, dataAt } = connection.value;
  if (state !== "lost" || !loaded.value) return null;
  return html`<div class="banner" role="alert"><${Shape} state="error"/><span>Connection lost, data from ${clockOf(dataAt)}</span><span class="muted">Trying again…</span>
    <${Button} kind="small" onClick=${connect}>Now<//></div>`;
}

// ---- from anywhere to anything, by Ctrl K
const FOUND_MAX = 12;
function Jump() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return html`<button type="button" class="jump" onClick=${() => setOpen(true)}><${Icon} name="search"/>Go to<kbd aria-hidden="true">Ctrl K</kbd></button>
    ${open && html`<${Palette} onClose=${() => setOpen(false)}/>`}`;
}

function Palette({ onClose }) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef(null);
  const all = [...PLACES.map(([id, text]) => ({ text, kind: "view", to: id ? [id] : [] })), ...sorted.value.map((one) => ({ text: one.name, kind: one.plugin, state: one.state, to: ["instances", one.name] })),
    ...[...new Set(plugins.value.map((one) => one.id).filter(Boolean))].map((id) => ({ text: id, kind: "plugin", to: ["plugins", id] })),
    ...openIncidents.value.rows.map((one) => ({ text: one.name, kind: `incident ${one.id}`, to: ["incidents", one.id] }))];
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((one) => wanted.every((word) => `${one.text} ${one.kind}`.toLowerCase().includes(word))).slice(0, FOUND_MAX);
  if (/^\d+$/.test(words.trim())) found.unshift({ text: `Incident ${words.trim()}`, kind: "incident", to: ["incidents", words.trim()] });
  const choose_one = (one) => {
    onClose();
    go(...one.to);
  };
  const onKey = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((was) => Math.max(0, Math.min(found.length - 1, was + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter" && found[at]) choose_one(found[at]);
  };
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at]);
  return html`<${Dialog} title="Go to" onClose=${onClose}><input class="input" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${found[at] ? `palette-${at}` : undefined}
      aria-label="Instance, incident, plugin or view" placeholder="Instance, incident, plugin or view" autofocus value=${words} onInput=${(event) => (setWords(event.target.value), setAt(0))} onKeyDown=${onKey}/>
    <div class="palette" id="palette-list" role="listbox" aria-label="Found" ref=${list}>${found.map((one, i) => html`<div role="option" id=${`palette-${i}`} aria-selected=${i === at ? "true" : "false"} onClick=${() => choose_one(one)}>
      <span>${one.text}</span><span class="muted small">${one.state ? html`<${State} plain state=${one.state}/>` : one.kind}</span></div>`)}</div>
    ${found.length === 0 && html`<p class="muted">Nothing has these words.</p>`}<//>`;
}

function SignIn() {
  const [token, setToken] = useState("");
  const signing = useAct();
  const submit = (event) => {
    event.preventDefault();
    signing.run(() => signIn(token.trim()));
  };
  return html`<main class="sign-in"><${Card} label="Sign in"><form class="card-body stack" onSubmit=${submit}><div class="brand"><img src=${icon} alt="" width="26" height="26"/>Longhaul</div>
    <h1 tabindex="-1">Sign in</h1><p class="muted">On the daemon's machine, <code>longhaul dashboard</code> prints a link that signs you in. Or give a token:</p>
    <${Text} label="Token" type="password" value=${token} onInput=${setToken}/><${ProblemNote} problem=${signing.problem} title="Not signed in"/>
    <div><${Button} kind="primary" type="submit" busy=${signing.busy} disabled=${!token.trim()}>Sign in<//></div></form><//></main>`;
}

export function Shell() {
  const { key } = route.value;
  const first = useRef(true);
  useEffect(() => {
    const view = document.querySelector(".view");
    const title = route.value.segments.at(-1);
    document.title = title ? `${title} · Longhaul` : "Longhaul";
    if (first.current) first.current = false;
    else {
      scrollTo(0, 0);
      view?.querySelector("h1")?.focus({ preventScroll: true });
    }
  }, [key]);
  if (signedOut.value) return html`<${SignIn}/>`;
  return html`<div class=${`shell${connection.value.state === "lost" && loaded.value ? " stale" : ""}`}><${Side}/><main class="main" id="view"><${Banner}/><div class="view">${loaded.value ? html`<${View}/>`
      : loadFailure.value ? html`<h1 tabindex="-1">Longhaul</h1><${ProblemNote} problem=${loadFailure.value} title="Nothing can be shown yet"/><p class="muted">The page tries again by itself.</p>`
      : html`<${Loading} what="everything"/>`}</div></main><${Confirmation}/><${Toasts}/></div>`;
}
