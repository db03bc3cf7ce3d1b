// All instances in one table: 1,000 rows as smooth as ten.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { act } from "../core/acts.js";
import { countOf, plural, spanOf } from "../core/format.js";
import { html } from "../core/html.js";
import { link, route, setQuery } from "../core/router.js";
import { activity, GROUPS, groupCounts, groupOf, instances, may, now, sorted } from "../core/store.js";
import { Ago, Button, Card, Empty, Switch } from "../parts/basics.js";
import { Sparkline } from "../parts/charts.js";
import { State } from "../parts/icon.js";
import { sortedBy, Table } from "../parts/table.js";
import { NoInstances } from "./overview.js";

const busy = signal(new Set());
async function switched(name, on) {
  busy.value = new Set(busy.value).add(name);
  await act(name, on ? "enable" : "disable");
  const next = new Set(busy.value);
  next.delete(name);
  busy.value = next;
}

export function Trend({ name }) {
  const series = activity.value.get(name);
  const incidents = series?.incidents ?? [];
  const has = incidents.some((value) => value > 0);
  const values = has ? incidents : series?.calls ?? [];
  const kind = has ? "incidents" : "calls";
  const label = values.length ? `${kind} a minute, now ${values.at(-1)}, at most ${Math.max(...values)}` : `activity of ${name}`;
  return html`<${Sparkline} values=${values} label=${label}/>`;
}

export function Health({ instance, full }) {
  const { health } = instance;
  if (!health) return html`<span class="muted">${instance.state === "running" ? "says nothing" : "–"}</span>`;
  return html`<${State} plain state=${health.state} text=${health.text || health.state}/>
    <span class=${full ? "muted small" : "sub"}><${Ago} at=${health.at}/></span>`;
}

const ORDER = ["crash-loop", "quarantined", "refused", "held", "orphaned", "backoff", "starting", "stopping", "running", "idle", "completed", "disabled"];
const uptimeOf = (row) => (row.current?.readyAt ? now.value - new Date(row.current.readyAt).getTime() : -1);

const COLUMNS = [
  { id: "state", title: "State", class: "shrink", sort: (row) => ORDER.indexOf(row.state), render: (row) => html`<${State} state=${row.state}/>` },
  { id: "name", title: "Instance", sort: (row) => row.name,
    render: (row) => html`<a class="name" href=${link("instances", row.name)}>${row.name}</a><span class="sub only-s">${row.plugin}</span>` },
  { id: "plugin", title: "Plugin", class: "from-m", sort: (row) => row.plugin,
    render: (row) => html`${row.plugin}${row.current?.version && html`<span class="sub">${row.current.version}</span>`}` },
  { id: "health", title: "Health", class: "from-l grow", sort: (row) => row.health?.state ?? "~",
    render: (row) => (row.state === "running" || row.health?.state === "error" ? html`<${Health} instance=${row}/>`
      : html`<span class="muted" title=${row.reason}>${row.lastEnd && row.enabled ? row.lastEnd.text : row.reason}</span>`) },
  { id: "trend", title: "Activity", class: "from-m shrink", render: (row) => html`<${Trend} name=${row.name}/>` },
  { id: "incidents", title: "Incidents", class: "from-xl right shrink", sort: (row) => row.incidentsCount, render: (row) => countOf(row.incidentsCount) },
  { id: "restarts", title: "Restarts", class: "from-l right shrink", sort: (row) => row.restartsCount, render: (row) => countOf(row.restartsCount) },
  { id: "uptime", title: "Up", class: "from-m right shrink", sort: uptimeOf,
    render: (row) => (row.current?.readyAt ? spanOf(uptimeOf(row)) : "–") },
  { id: "enabled", title: "Enabled", class: "shrink", hidden: true,
    render: (row) => html`<span class="actions"><${Switch} on=${row.enabled} label=${`${row.name} enabled`} busy=${busy.value.has(row.name)}
      disabled=${!may("operate") || row.state === "orphaned"} onChange=${(on) => switched(row.name, on)}/></span>` },
];

export function Instances() {
  const { query } = route.value;
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const group = query.get("group");
  const order = { by: query.get("by") ?? "name", down: query.get("down") === "1" };
  const search = useRef(null);
  useEffect(() => {
    const onKey = (event) => {
      if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const fits = (row) => {
    if (group && groupOf(row) !== group) return false;
    const text = `${row.name} ${row.plugin} ${row.state} ${row.health?.text ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const rows = sortedBy(sorted.value.filter(fits), COLUMNS, order);
  const total = instances.value.size;
  const onOrder = (id) => setQuery({ by: id === "name" ? "" : id, down: order.by === id && !order.down ? "1" : "" });

  return html`<div class="page-head"><h1 tabindex="-1">Instances</h1><div class="actions">
      <a class="button primary" href="#/instances/new">New instance</a></div></div>
    <${Card} label="Instances">
      <div class="filters">
        <div class="search"><${SearchIcon}/><input ref=${search} class="input" type="search" aria-label="Filter instances" placeholder="Name, plugin, state…"
          value=${query.get("q") ?? ""} onInput=${(event) => setQuery({ q: event.target.value })}/><kbd aria-hidden="true">/</kbd></div>
        <div class="chips" role="group" aria-label="Groups of states">${GROUPS.map(({ id, label }) => html`<button type="button" class="chip"
          aria-pressed=${group === id ? "true" : "false"} onClick=${() => setQuery({ group: group === id ? "" : id })}>${label}
          <span class="n">${countOf(groupCounts.value[id])}</span></button>`)}</div>
        <span class="muted small" role="status">${rows.length === total ? plural(total, "instance") : `${countOf(rows.length)} of ${plural(total, "instance")}`}</span>
      </div>
      ${total === 0 ? html`<${NoInstances}/>`
        : rows.length === 0 ? html`<${Empty} icon="search" title="No instance fits"><p>None of the ${plural(total, "instance")} has all of these words${group ? " and is in this group" : ""}.</p>
            <${Button} onClick=${() => setQuery({ q: "", group: "" })}>Show all<//><//>`
        : html`<${Table} label="Instances" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.name} order=${order} onOrder=${onOrder}
            rowClass=${(row) => (row.enabled ? "" : "dim")}/>`}<//>`;
}

function SearchIcon() {
  return html`<svg class="icon" width="16" height="16" viewBox="0 0 20 20" aria-hidden="true"><path d="M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4"
    fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/></svg>`;
}
