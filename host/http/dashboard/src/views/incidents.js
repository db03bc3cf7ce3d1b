// Incidents as a list that grows at its end.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "../core/api.js";
import { countOf, severityOf } from "../core/format.js";
import { html } from "../core/html.js";
import { onEvent } from "../core/live.js";
import { go, link, route, setQuery } from "../core/router.js";
import { openIncidents, sorted } from "../core/store.js";
import { useAct } from "../core/use.js";
import { Ago, Button, Card, Dialog, Empty, Loading, ProblemNote } from "../parts/basics.js";
import { Field, Select, Text } from "../parts/form.js";
import { Severity, State } from "../parts/icon.js";
import { Table } from "../parts/table.js";

const PAGE = 100;

/** Pages of a list, the newest first: {rows, more, next(), problem, pending, stale, reload()}. */
export function usePages(path, query, member, isNews) {
  const [state, setState] = useState({ rows: null, more: false, problem: null, pending: true });
  const key = JSON.stringify([path, query]);
  const load = async (cursor) => {
    setState((was) => ({ ...was, pending: true }));
    try {
      const found = await get(path, { ...query, limit: PAGE, cursor });
      setState((was) => ({ rows: cursor ? [...(was.rows ?? []), ...found[member]] : found[member], more: found.more, next: found.next,
        problem: null, pending: false }));
    } catch (problem) {
      setState((was) => ({ ...was, problem, pending: false }));
    }
  };
  useEffect(() => {
    setState({ rows: null, more: false, problem: null, pending: true });
    load();
    let timer = 0;
    const end = onEvent((event) => {
      if (event.kind !== "resync" && !isNews(event)) return;
      timer ||= setTimeout(() => {
        timer = 0;
        // Who has read on keeps the place; the first page is the one that lives.
        setState((was) => {
          if ((was.rows?.length ?? 0) <= PAGE) load();
          return was;
        });
      }, 300);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [key]);
  return { ...state, next: () => load(state.next), reload: () => load() };
}

export function Pages({ pages, what, empty, children }) {
  if (pages.rows === null) return pages.problem ? html`<div class="card-body"><${ProblemNote} problem=${pages.problem} title=${`No ${what}`}/></div>` : html`<${Loading} what=${what}/>`;
  if (pages.rows.length === 0) return empty;
  return html`${children(pages.rows)}<${ProblemNote} problem=${pages.problem}/>
    ${pages.more && html`<div class="more"><${Button} onClick=${pages.next} busy=${pages.pending}>Show more<//></div>`}`;
}

const COLUMNS = [
  { id: "severity", title: "Severity", class: "shrink", render: (row) => html`<${Severity} severity=${row.severity} text=${severityOf(row.severity)}/>` },
  { id: "id", title: "Id", class: "shrink from-m number", render: (row) => row.id },
  { id: "name", title: "Incident", class: "grow", render: (row) => html`<a class="name" href=${link("incidents", row.id)} title=${row.name}>${row.name}</a>` },
  { id: "type", title: "Type", class: "from-l", render: (row) => row.type || html`<span class="muted">–</span>` },
  { id: "instance", title: "From", class: "from-m", render: (row) => (row.instance ? html`<a href=${link("instances", row.instance)}>${row.instance}</a>` : html`<span class="muted">an operator</span>`) },
  { id: "status", title: "Status", class: "shrink from-m", render: (row) => html`<${State} state=${row.status} text=${row.status === "active" ? "open" : row.status}/>` },
  { id: "created", title: "Came", class: "shrink right", render: (row) => html`<${Ago} at=${row.createdAt}/>` },
];

export function Incidents() {
  const { query } = route.value;
  const status = query.get("status") ?? "active";
  const instance = query.get("instance") ?? "";
  const [making, setMaking] = useState(false);
  const pages = usePages("incidents", { status: status === "all" ? "" : status, instance }, "incidents", (event) => event.kind === "incident");
  const { active, closed } = openIncidents.value;
  const chip = (id, label, count) => html`<button type="button" class="chip" aria-pressed=${status === id ? "true" : "false"} onClick=${() => setQuery({ status: id === "active" ? "" : id })}>
    ${label}${count === undefined ? "" : html` <span class="n">${countOf(count)}</span>`}</button>`;
  return html`<div class="page-head"><h1 tabindex="-1">Incidents</h1><div class="actions"><${Button} kind="primary" role="operate" onClick=${() => setMaking(true)}>New incident<//></div></div>
    <${Card} label="Incidents"><div class="filters"><div class="chips" role="group" aria-label="Status">${chip("active", "Open", active)}${chip("closed", "Closed", closed)}${chip("all", "All")}</div>
      <label class="row"><span class="muted small">From</span><select class="select" style=${{ width: "auto", maxWidth: "220px" }} onChange=${(event) => setQuery({ instance: event.target.value })}>
        <option value="">all instances</option>${instance && !sorted.value.some((one) => one.name === instance) && html`<option value=${instance} selected>${instance}</option>`}
        ${sorted.value.filter((one) => one.incidentsCount > 0 || one.name === instance).map((one) => html`<option value=${one.name} selected=${one.name === instance}>${one.name}</option>`)}</select></label></div>
      <${Pages} pages=${pages} what="incidents" empty=${html`<${Empty} icon="incidents" title=${status === "active" ? "No open incident" : "No incident"}>
          <p>Incidents come from instances, from people in a chat, and from here.</p><${Button} role="operate" onClick=${() => setMaking(true)}>New incident<//><//>`}>
        ${(rows) => html`<${Table} label="Incidents" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.id} rowClass=${(row) => (row.status === "closed" ? "dim" : "")}/>`}<//><//>
    ${making && html`<${Making} onClose=${() => setMaking(false)}/>`}`;
}

function Making({ onClose }) {
  const [form, setForm] = useState({ name: "", severity: "2", type: "", details: "" });
  const making = useAct();
  const set = (key) => (value) => setForm((was) => ({ ...was, [key]: value }));
  const make = async (event) => {
    event.preventDefault();
    const body = { name: form.name, severity: Number(form.severity), ...(form.type ? { type: form.type } : {}), ...(form.details ? { details: form.details } : {}) };
    const made = await making.run(() => post("incidents", body));
    if (!made) return;
    onClose();
    go("incidents", made.id);
  };
  return html`<${Dialog} title="New incident" onClose=${onClose}><form class="stack" onSubmit=${make}>
    <${Text} label="What happened" required value=${form.name} onInput=${set("name")} autofocus/>
    <div class="inline-form"><${Select} label="Severity" value=${form.severity} onInput=${set("severity")} options=${["0", "0.5", "1", "2", "3", "4"].map((id) => [id, severityOf(Number(id))])}/>
      <${Text} label="Type" value=${form.type} onInput=${set("type")}/></div>
    <${Field} label="Details" control=${(attributes) => html`<textarea class="area-input" ...${attributes} value=${form.details} onInput=${(event) => set("details")(event.target.value)}></textarea>`}/>
    <${ProblemNote} problem=${making.problem}/>
    <footer><${Button} kind="primary" type="submit" busy=${making.busy} disabled=${!form.name.trim()}>Open incident<//></footer></form><//>`;
}
