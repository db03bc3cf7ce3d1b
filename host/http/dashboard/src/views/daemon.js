// The daemon itself: its state, what confines workers here, its settings and where each is from.
import { useState } from "preact/hooks";
import { api, get } from "../core/api.js";
import { html } from "../core/html.js";
import { plural } from "../core/format.js";
import { connection, instances, version } from "../core/store.js";
import { useAct, useLive } from "../core/use.js";
import { At, Button, Card, Facts, Found, Note, ProblemNote, Since, toast } from "../parts/basics.js";
import { State } from "../parts/icon.js";

export function Daemon() {
  const live = useLive((abort) => get("configuration", {}, abort), [], { on: (event) => event.kind === "config" });
  const v = version.value;
  return html`<div class="page-head"><h1 tabindex="-1">Daemon</h1></div>
    <div class="columns two"><${Card} title="longhauld"><div class="card-body tight">${v && html`<${Facts} rows=${[
        ["Version", v.version], ["Plugin API", v.pluginApi], ["Process", `pid ${v.pid}`], ["Up", html`<${Since} at=${v.startedAt}/>`], ["Started", html`<${At} at=${v.startedAt}/>`],
        ["Ready", html`<${State} plain state=${v.ready ? "healthy" : "starting"} text=${v.ready ? "yes" : "not yet"}/>`], ["Instances", plural(instances.value.size, "instance")],
        ["Data from", html`<${At} at=${connection.value.dataAt}/>`],
        ...v.limits.map((limit) => [limit.name.replace("_mib", ""), html`held by ${limit.heldBy}${limit.reason ? html`<span class="muted">: ${limit.reason}</span>` : ""}`])]}/>`}</div><//>
      <div class="stack"><${Card} title="What confines workers here"><div class="card-body"><${Found} live=${live} what="sandbox">${({ sandbox }) => html`<div class="layers">${sandbox.map((layer) => html`<span title=${layer.detail ?? ""}>
          <${State} state=${layer.status} text=${`${layer.layer}${layer.status === "on" ? "" : `: ${layer.status}`}`}/></span>`)}</div>`}<//></div><//>
        <${Reload}/></div></div>
    <${Card} title="Settings" aside=${html`<span class="mono">${live.value?.configFile ?? ""}</span>`}><${Found} live=${live} what="settings">${({ config, origins }) => html`<div class="table-box" tabindex="0" role="group" aria-label="Settings"><table class="table free" aria-label="Settings"><thead><tr>
        <th scope="col">Key</th><th scope="col">Value</th><th scope="col" class="from-m">From</th></tr></thead><tbody>${flat(config).map(([key, value]) => html`<tr key=${key}><td class="mono">${key}</td><td class="mono">${
          typeof value === "string" ? value : JSON.stringify(value)}</td><td class="from-m muted">${origins[key] ?? ""}</td></tr>`)}</tbody></table></div>`}<//><//>`;
}

function flat(object, prefix = "") {
  return Object.entries(object).flatMap(([key, value]) => (value && typeof value === "object" && !Array.isArray(value) ? flat(value, `${prefix}${key}.`) : [[prefix + key, value]]));
}

function Reload() {
  const [plan, setPlan] = useState(null);
  const acting = useAct();
  const look = () => acting.run(async () => setPlan(await api("POST", "reload", { query: { dryRun: true } })));
  const apply = () => acting.run(async () => {
    await api("POST", "reload", { query: { yes: plan.plan.needsYes || undefined } });
    setPlan(null);
    toast("The folders were read again");
  });
  return html`<${Card} title="Instances folder"><div class="card-body stack"><p class="muted">Its files are applied by themselves when they change. A plan that would orphan many instances waits for a yes, which is given here.</p>
    ${plan && html`<pre class="words" tabindex="0" aria-label="Plan">${plan.text}</pre>${plan.plan.needsYes && html`<${Note} tone="warn" state="warning">${plan.plan.needsYesReason}<//>`}`}
    <${ProblemNote} problem=${acting.problem}/>
    <div class="row"><${Button} role="admin" busy=${acting.busy} onClick=${look}>Show the plan<//>${plan && html`<${Button} kind=${plan.plan.needsYes ? "danger" : "primary"} role="admin" busy=${acting.busy} disabled=${!plan.ok} onClick=${apply}>Apply it<//>`}</div></div><//>`;
}
