// What is going on, and what wants somebody.
import { computed } from "@preact/signals";
import { countOf, plural, severityOf } from "../core/format.js";
import { html } from "../core/html.js";
import { link } from "../core/router.js";
import { act } from "../core/acts.js";
import {
  activity, groupCounts, instances, now, openIncidents, recent, sorted, wantsAttention,
} from "../core/store.js";
import { Ago, Button, Card, Empty, Prose } from "../parts/basics.js";
import { Chart } from "../parts/charts.js";
import { Event } from "../parts/events.js";
import { Severity, Shape, State } from "../parts/icon.js";

const SHOWN = 8;
const INCIDENTS_SHOWN = 14;
const FEED = 14;
// Each start has several states; that it is under way says enough while it lasts.
const isNews = (event) => event.kind !== "state" || (event.state !== event.before && event.state !== "starting") || event.reason === "enabled";

function Tile({ href, shape, tone, name, figure, loud }) {
  return html`<a class=${`tile tone-${tone}${loud ? " loud" : ""}`} href=${href}><span class="name"><${Shape} state=${shape}/>${name}</span>
    <span class="figure">${figure}</span></a>`;
}

const whole = computed(() => {
  const sums = { incidents: [], calls: [] };
  for (const series of activity.value.values()) {
    for (const kind of ["incidents", "calls"]) {
      const values = series[kind] ?? [];
      values.forEach((value, i) => {
        const at = values.length - 1 - i;
        sums[kind][at] = (sums[kind][at] ?? 0) + value;
      });
    }
  }
  const length = Math.max(sums.incidents.length, sums.calls.length);
  const of = (kind) => Array.from({ length }, (_, i) => sums[kind][length - 1 - i] ?? 0);
  return { length, incidents: of("incidents"), calls: of("calls") };
});

function Attention() {
  const rows = sorted.value.filter(wantsAttention);
  return html`<${Card} title="Needs attention" aside=${rows.length > SHOWN
      ? html`<a href="#/instances?group=attention">All ${rows.length}</a>` : ""}>
    ${rows.length === 0
      ? html`<${Empty} icon="check" title="Nothing needs you"><p>An instance that fails, is held back or says that it is in error stands here, with the reason.</p><//>`
      : html`<ul class="attention">${rows.slice(0, SHOWN).map((row) => html`<li key=${row.name}><div>
          <div class="row"><a class="name" href=${link("instances", row.name)}><b>${row.name}</b></a>
            <${State} state=${row.health?.state === "error" && row.state === "running" ? "error" : row.state}/></div>
          <p class="why small">${row.state === "running" ? row.health.text : html`<${Prose} text=${row.lastEnd?.text ?? row.refused ?? row.reason}/>`}</p></div>
        ${row.enabled && row.state !== "running" && html`<${Button} kind="small" role="operate" icon="restart"
            onClick=${() => act(row.name, "release")} title="Forget the failures and try now">Try now<//>`}</li>`)}</ul>`}<//>`;
}

function Incidents() {
  const { rows } = openIncidents.value;
  return html`<${Card} title="Open incidents" aside=${html`<a href="#/incidents">All incidents</a>`}>
    ${rows.length === 0
      ? html`<${Empty} icon="incidents" title="No open incident"><p>What instances report becomes an incident and stands here, the newest first.</p><//>`
      : html`<ul class="attention">${rows.slice(0, INCIDENTS_SHOWN).map((row) => html`<li key=${row.id}><div>
          <a href=${link("incidents", row.id)}>${row.name}</a>
          <p class="why small">${row.id} · ${row.type || "no type"} · ${row.instance ?? "an operator"} · <${Ago} at=${row.createdAt}/></p></div>
          <${Severity} severity=${row.severity} text=${severityOf(row.severity)}/></li>`)}</ul>`}<//>`;
}

function Activity() {
  const { length, incidents, calls } = whole.value;
  const step = 60;
  const end = Math.floor(now.value / 1000 / step) * step;
  const xs = Array.from({ length }, (_, i) => end - (length - 1 - i) * step);
  return html`<${Card} title="Activity" aside=${html`<span>${plural(incidents.reduce((a, b) => a + b, 0), "incident")} in ${
      Math.round((length * step) / 60)} min</span>`}>
    ${length < 2
      ? html`<${Empty} icon="overview" title="Not enough yet"><p>The curve begins a minute after the daemon does.</p><//>`
      : html`<${Chart} xs=${xs} label=${`Incidents and server calls a minute, all instances`} height=${180} series=${[
          { label: `Incidents a minute`, values: incidents, tone: "--accent", show: (v) => countOf(Math.round(v)), bars: true },
          { label: `Server calls a minute`, values: calls, tone: "--held", scale: "calls", fill: false, show: (v) => countOf(Math.round(v)) },
        ]}/>`}<//>`;
}

export function Overview() {
  const counts = groupCounts.value;
  const open = openIncidents.value;
  const news = recent.value.filter(isNews);
  return html`<div class="page-head"><h1 tabindex="-1">Overview</h1></div>
    <div class="tiles">
      <${Tile} href="#/instances?group=running" shape="running" tone="ok" name="Running" figure=${countOf(counts.running)}/>
      <${Tile} href="#/instances?group=moving" shape="starting" tone="busy" name="Under way" figure=${countOf(counts.moving)}/>
      <${Tile} href="#/instances?group=attention" shape="crash-loop" tone="bad" name="Need attention" figure=${countOf(counts.attention)} loud=${counts.attention > 0}/>
      <${Tile} href="#/instances?group=resting" shape="disabled" tone="idle" name="At rest" figure=${countOf(counts.resting)}/>
      <${Tile} href="#/incidents" shape="active" tone="warn" name="Open incidents" figure=${countOf(open.active)}/>
    </div>
    ${instances.value.size === 0 ? html`<${Card}><${NoInstances}/><//>` : html`
    <div class="columns wide-left"><div class="stack"><${Activity}/><${Attention}/><${Card} title="What happened">
        ${news.length === 0 ? html`<${Empty} title="Quiet so far"><p>State changes, incidents and acts of operators come here as they happen.</p><//>`
          : html`<ul class="feed">${news.slice(0, FEED).map((event) => html`<${Event} key=${event.id} event=${event}/>`)}</ul>`}<//></div>
      <div class="stack"><${Incidents}/></div></div>`}`;
}

export function NoInstances() {
  return html`<${Empty} icon="instances" title="No instance yet">
    <p>An instance is a plugin with a configuration. Make one here, or put a file into the instances folder:</p>
    <pre>instances:${"\n"}  - name: edge-syslog${"\n"}    plugin: syslog${"\n"}    parameters: { listen: "127.0.0.1:5514" }</pre>
    <a class="button primary" href="#/instances/new">New instance</a><//>`;
}
