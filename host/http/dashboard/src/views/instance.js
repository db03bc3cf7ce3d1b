// One instance: its head with all acts, and tabs.
import { useState } from "preact/hooks";
import { act, remove, test } from "../core/acts.js";
import { get, pathOf, post } from "../core/api.js";
import { bytesOf, countOf, digestOf, spanOf } from "../core/format.js";
import { html } from "../core/html.js";
import { touch } from "../core/live.js";
import { go, link, route } from "../core/router.js";
import { instances, may } from "../core/store.js";
import { useAct, useLive } from "../core/use.js";
import {
  Ago, At, Button, Card, confirm, Dialog, Facts, failed, Found, Note, ProblemNote, Prose, Since, Switch, Tabs, toast,
} from "../parts/basics.js";
import { Chart } from "../parts/charts.js";
import { State } from "../parts/icon.js";
import { Crashes } from "./crashes.js";
import { Commands } from "./commands.js";
import { Context } from "./context.js";
import { Trend } from "./instances.js";
import { Log } from "./log.js";
import { Parameters } from "./parameters.js";

const TABS = [["", "Overview"], ["log", "Log"], ["crashes", "Crashes"], ["parameters", "Parameters"], ["commands", "Commands"],
  ["context", "Context"]];
const LIMIT_NAMES = { memory_mib: "Memory", pids: "Processes", files: "Open files", cpu_percent: "Processor", disk_mib: "Disk",
  context_mib: "Context", calls_per_second: "Calls a second", log_lines_per_second: "Log lines a second" };
const LIMIT_UNITS = { memory_mib: " MiB", disk_mib: " MiB", context_mib: " MiB", cpu_percent: " %" };

export function Instance({ name }) {
  const tab = route.value.segments[2] ?? "";
  const live = useLive((abort) => get(pathOf("instances", name), {}, abort), [name],
    { on: (event) => event.instance === name || event.instances?.includes(name), every_ms: 5000 });
  // What lists say is as new or newer: an act's answer is there at once.
  const listed = instances.value.get(name);
  const whole = live.value && { ...live.value, ...(listed ? { state: listed.state, enabled: listed.enabled, reason: listed.reason } : {}) };
  if (live.problem?.status === 404) {
    return html`<div class="page-head"><h1 tabindex="-1">${name}</h1></div><${Card}><div class="card-body stack">
      <${ProblemNote} problem=${live.problem}/><div><a class="button" href="#/instances">All instances</a></div></div><//>`;
  }
  return html`<${Found} live=${{ ...live, value: whole }} what="instance">${(instance) => html`<div class="stack">
    <${Head} instance=${instance} reload=${live.reload}/>
    <${Tabs} label="Parts of the instance" current=${tab} tabs=${TABS} hrefOf=${(id) => (id ? link("instances", name, id) : link("instances", name))}/>
    ${tab === "" && html`<${Summary} instance=${instance}/>`}
    ${tab === "log" && html`<${Log} name=${name}/>`}
    ${tab === "crashes" && html`<${Crashes} name=${name} limits=${instance.limits}/>`}
    ${tab === "parameters" && html`<${Parameters} instance=${instance} reload=${live.reload}/>`}
    ${tab === "commands" && html`<${Commands} name=${name}/>`}
    ${tab === "context" && html`<${Context} name=${name}/>`}
  </div>`}<//>`;
}

function Head({ instance, reload }) {
  const { name, state } = instance;
  const switching = useAct();
  const [tested, setTested] = useState(null);
  const act_on = (what) => switching.run(async () => {
    await act(name, what);
    reload();
  });
  const approve = async () => {
    const text = `${instance.plugin} gets all that its newest file asks for. The Overview tab shows what it has now.`;
    if (!(await confirm({ title: `Approve for ${name}?`, text, act: "Approve" }))) return;
    try {
      await post(pathOf("instances", name, "approve"));
      toast(`${name} has what it asked for`);
    } catch (problem) {
      failed(problem, "Not approved");
    }
    touch(name);
    reload();
  };
  const stuck = instance.enabled && !["running", "starting", "stopping", "idle", "completed"].includes(state);
  return html`<div class="page-head"><div class="title"><nav class="crumbs" aria-label="Path"><a href="#/instances">Instances</a><span aria-hidden="true">/</span></nav>
      <h1 tabindex="-1">${name}</h1>
      <div class="head-state"><${State} state=${state}/><span class="why"><${Prose} text=${instance.reason}/></span></div></div>
    <div class="actions">
      <span class="switch-row"><span aria-hidden="true">Enabled</span><${Switch} on=${instance.enabled} label=${`${name} enabled`} busy=${switching.busy}
        disabled=${!may("operate") || state === "orphaned"} onChange=${(on) => act_on(on ? "enable" : "disable")}/></span>
      ${instance.code === "grants-wanted" || instance.heldBack === "grants-wanted" ? html`<${Button} kind="primary" role="admin" onClick=${approve}>Approve<//>` : ""}
      ${stuck && html`<${Button} role="operate" icon="play" onClick=${() => act_on("release")} title="Forget the failures and try now">Try now<//>`}
      <${Button} role="operate" icon="restart" disabled=${!instance.enabled || switching.busy} onClick=${() => act_on("restart")}>Restart<//>
      <${Button} role="operate" icon="test" onClick=${() => setTested({})}>Test<//>
    </div></div>
    ${tested && html`<${Tested} name=${name} onClose=${() => setTested(null)}/>`}
    ${state !== "running" && instance.remedy && html`<${Note} tone=${stuck ? "warn" : "busy"} state=${stuck ? "warning" : "info"}><${Prose} text=${instance.remedy}/>
      ${instance.nextStartAt && html`<p class="muted">Tried again at <${At} at=${instance.nextStartAt}/>.</p>`}<//>`}
    ${instance.refused && html`<${Note} tone="warn" state="warning"><strong>Something newer was refused.</strong><p>${instance.refused}</p><//>`}
    ${instance.warnings.map((warning) => html`<${Note} tone="warn" state="warning">${warning}<//>`)}`;
}

function Tested({ name, onClose }) {
  const live = useLive(() => test(name), [name], { on: () => false });
  return html`<${Dialog} title=${`Test of ${name}`} onClose=${onClose}>
    ${live.pending && !live.problem ? html`<div class="row" role="status"><span class="spinner" aria-hidden="true"></span>The plugin is asked whether this would work…</div>`
      : live.problem ? html`<${ProblemNote} problem=${live.problem} title="Nothing could be tested"/>`
      : html`<${Note} tone=${live.value.passed ? "ok" : "bad"} state=${live.value.passed ? "healthy" : "error"}>
          <strong>${live.value.passed ? "The test passed." : "The test failed."}</strong><p class="wrap">${live.value.result}</p>
          ${live.value.warning && html`<p class="muted">${live.value.warning}</p>`}<//>`}
    <footer><${Button} onClick=${live.reload} busy=${live.pending}>Test again<//></footer><//>`;
}

function Usage({ name }) {
  const live = useLive((abort) => get(pathOf("instances", name, "usage"), {}, abort), [name],
    { on: (event) => event.kind === "state" && event.instance === name, every_ms: 5000 });
  return html`<${Card} title="Use of the worker" aside=${live.value?.pid ? html`<span class="number">pid ${live.value.pid}, generation ${live.value.generation}</span>` : ""}>
    <${Found} live=${live} what="curve">${({ at, beforeMs, memoryBytes, cpuPercent }) => {
      if (beforeMs.length < 2) return html`<p class="card-body muted">${beforeMs.length ? "The curve begins in a moment." : "No worker runs, so nothing is used."}</p>`;
      const end = new Date(at).getTime();
      return html`<${Chart} xs=${beforeMs.map((before) => (end - before) / 1000)} label=${`Memory and processor of ${name}`} series=${[
        { label: "Memory", values: memoryBytes, tone: "--accent", bytes: true, show: (v) => bytesOf(Math.round(v)) },
        { label: "Processor", values: cpuPercent, tone: "--held", scale: "percent", fill: false, show: (v) => `${Math.round(v * 10) / 10} %` }]}/>`;
    }}<//><//>`;
}

function Summary({ instance }) {
  const { current, health, lastEnd } = instance;
  const facts = [
    ["Health", health ? html`<${State} plain state=${health.state} text=${health.text || health.state}/> <span class="muted small"><${Ago} at=${health.at}/></span>`
      : html`<span class="muted">its plugin says nothing</span>`],
    ["Up", current?.readyAt ? html`<${Since} at=${current.readyAt}/>` : html`<span class="muted">not running</span>`],
    ["Restarts", countOf(instance.restartsCount)],
    ["Last end", lastEnd ? html`<a href=${link("instances", instance.name, "crashes")}>${lastEnd.text}</a>, <${Ago} at=${lastEnd.at}/>` : html`<span class="muted">none</span>`],
    ["Activity", html`<${Trend} name=${instance.name}/>`],
    ["Incidents", html`<a href=${`#/incidents?instance=${encodeURIComponent(instance.name)}`}>${countOf(instance.incidentsCount)} since the start</a>`],
    ["Server calls", `${countOf(instance.callsCount)}${instance.failedCallsCount ? `, ${countOf(instance.failedCallsCount)} failed` : ""}`],
    ["Log lines", `${countOf(instance.logLinesCount)}${instance.logDroppedCount ? `, ${countOf(instance.logDroppedCount)} dropped` : ""}`],
    ["Commands", instance.commandsRunning + instance.commandsWaiting > 0 ? `${instance.commandsRunning} running, ${instance.commandsWaiting} waiting` : null],
  ];
  const worker = [
    ["Plugin", html`<a href=${link("plugins", instance.plugin)}>${instance.plugin}</a> ${current?.version ?? ""}`],
    ["File", instance.digest && html`<span class="digest" title=${instance.digest}>${digestOf(instance.digest)}</span>`],
    ["Process", current && html`pid ${current.pid}, generation ${current.generation}`],
    ["Started", current && html`<${At} at=${current.startedAt}/>`],
    ["Uses", current && `${bytesOf(current.rssBytes)}, ${spanOf(current.cpuMs)} of processor, ${current.threadsCount} threads`],
    ["Taking over", instance.incoming && `pid ${instance.incoming.pid}, ${instance.incoming.version}`],
    ["Managed by", instance.owner === "file" ? html`<span class="mono">${instance.source}</span>` : "this API"],
    ["Kept", `context version ${instance.contextVersion}`],
  ];
  return html`<div class="columns wide-left"><div class="stack">
      <${Card} title="Now"><div class="card-body tight"><${Facts} rows=${facts}/></div><//>
      <${Usage} name=${instance.name}/>
      ${instance.listeners.length > 0 && html`<${Card} title="Listeners"><div class="table-box" tabindex="0" role="group" aria-label="Listeners"><table class="table" aria-label="Listeners"><thead><tr><th scope="col">Name</th>
        <th scope="col">Transport</th><th scope="col">Address</th><th scope="col" class="right">Dropped</th></tr></thead><tbody>
        ${instance.listeners.map((one) => html`<tr><td>${one.name}</td><td>${one.transport}</td><td class="mono">${one.address}</td>
          <td class="right">${one.transport === "udp" ? countOf(one.droppedCount) : "–"}</td></tr>`)}</tbody></table></div><//>`}
      ${instance.denied.length > 0 && html`<${Card} title="Denied"><div class="card-body stack"><p class="muted">Asked for without a grant, and refused.</p>
        <ul>${instance.denied.map((one) => html`<li><span class="mono">${one.name}</span> (${one.kind === "system-call" ? "system call" : "server call"}), ${countOf(one.count)} times</li>`)}</ul></div><//>`}
      <${Card} title="Sandbox" aside=${current?.sandbox ? `${current.sandbox.filter((one) => one.status === "on").length} of ${current.sandbox.length} layers on` : ""}>
        <div class="card-body">${current?.sandbox ? html`<div class="layers">${current.sandbox.map((layer) => html`<span title=${layer.detail ?? ""}><${State}
          state=${layer.status} text=${`${layer.layer}${layer.status === "on" ? "" : `: ${layer.status}`}`}/></span>`)}</div>` : html`<p class="muted">No worker runs. Its layers stand here once it does.</p>`}</div><//>
      <${Card} title="Grants"><div class="card-body tight"><${Grants} grants=${instance.grants}/></div><//>
    </div><div class="stack">
      <${Card} title="Worker"><div class="card-body tight"><div class="one-column"><${Facts} rows=${worker}/></div></div><//>
      ${instance.limits && html`<${Card} title="Limits"><div class="card-body stack">${instance.limits.map((limit) => html`<${Limit} limit=${limit}/>`)}</div><//>`}
      ${instance.owner !== "file" && html`<${Card} title="Removal"><div class="card-body row between"><span class="muted">Context, logs and data go; incidents stay.</span>
        <${Button} role="admin" onClick=${async () => (await remove(instance.name)) && go("instances")}>Remove…<//></div><//>`}
    </div></div>`;
}

export function Grants({ grants = {} }) {
  const network = typeof grants.network === "string" ? grants.network : grants.network?.mode;
  const paths = (list) => (list?.length ? html`<span class="mono wrap">${list.join(", ")}</span>` : "none");
  return html`<${Facts} rows=${[
    ["Server calls", grants.serverApi?.length ? html`<span class="wrap">${grants.serverApi.join(", ")}</span>` : "none"],
    ["Network", [network ?? "none", grants.network?.ports?.length && `ports ${grants.network.ports.join(", ")}`, grants.network?.hosts?.join(", ")].filter(Boolean).join("; ")],
    ["Reads", paths(grants.paths?.read)],
    ["Writes", paths(grants.paths?.write)],
    ["Processes", grants.processes ? "may start them" : "none"]]}/>`;
}

function Limit({ limit }) {
  const { name, most, used, heldBy, refusedCount } = limit;
  const unit = LIMIT_UNITS[name] ?? "";
  const share = most > 0 && used !== undefined ? Math.min(1, used / most) : null;
  const held = most === 0 ? "no limit" : `at most ${countOf(most)}${unit}, held by ${heldBy}`;
  return html`<div class="meter"><div class="row between"><span>${LIMIT_NAMES[name] ?? name}</span><span class="number">${used === undefined ? "–" : `${countOf(used)}${unit}`}</span></div>
    ${share !== null && html`<div class="bar" aria-hidden="true"><i class=${share > 0.85 ? "high" : ""} style=${{ width: `${share * 100}%` }}></i></div>`}
    <span class="muted small">${held}${refusedCount ? html`, <b>refused ${countOf(refusedCount)}</b>` : ""}</span></div>`;
}
