// Who did what.
import { html } from "../core/html.js";
import { route, setQuery } from "../core/router.js";
import { may } from "../core/store.js";
import { At, Card, Empty } from "../parts/basics.js";
import { State } from "../parts/icon.js";
import { Table } from "../parts/table.js";
import { Pages, usePages } from "./incidents.js";

const stateOf = (outcome) => (outcome === "done" ? "healthy" : outcome === "begun" ? "starting" : outcome.startsWith("unknown") ? "warning" : "error");
const COLUMNS = [
  { id: "at", title: "At", class: "shrink number", render: (row) => html`<${At} at=${row.at}/>` },
  { id: "actor", title: "Who", render: (row) => html`<b>${row.actor}</b><span class="sub">${row.role}</span>` },
  { id: "act", title: "Act", class: "mono", render: (row) => row.act },
  { id: "target", title: "On", render: (row) => row.target || html`<span class="muted">–</span>` },
  { id: "detail", title: "Detail", class: "from-l mono", render: (row) => (Object.keys(row.detail ?? {}).length ? html`<span class="muted">${JSON.stringify(row.detail)}</span>` : "") },
  { id: "outcome", title: "Outcome", class: "from-m", render: (row) => html`<span title=${row.outcome}><${State} plain state=${stateOf(row.outcome)} text=${row.outcome}/></span>` },
];

export function Audit() {
  return html`<div class="page-head"><h1 tabindex="-1">Audit</h1></div>${may("admin") ? html`<${List}/>`
    : html`<${Card}><${Empty} icon="lock" title="This wants the role admin"><p>The audit says who did what.</p><//><//>`}`;
}

function List() {
  const { query } = route.value;
  const actor = query.get("actor") ?? "";
  const target = query.get("target") ?? "";
  const pages = usePages("audit", { actor, target }, "acts", (event) => event.kind === "act");
  return html`<${Card} label="Audit"><div class="filters">
      <div class="search"><input class="input" style=${{ paddingLeft: "10px" }} type="search" aria-label="Who" placeholder="Who (whole name)" value=${actor} onChange=${(event) => setQuery({ actor: event.target.value })}/></div>
      <div class="search"><input class="input" style=${{ paddingLeft: "10px" }} type="search" aria-label="On what" placeholder="On what (whole name)" value=${target} onChange=${(event) => setQuery({ target: event.target.value })}/></div></div>
    <${Pages} pages=${pages} what="audit" empty=${html`<${Empty} icon="audit" title="No act"><p>Each act of an operator is here: switches, parameters, users, tokens, also those that were refused.</p><//>`}>
      ${(rows) => html`<${Table} label="Audit" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.id}/>`}<//><//>`;
}
