// Crash cards: how workers ended, the newest first and open.
import { get, pathOf } from "../core/api.js";
import { bytesOf, clockOf, countOf, digestOf, plural, spanOf } from "../core/format.js";
import { html } from "../core/html.js";
import { useLive } from "../core/use.js";
import { Ago, At, Card, Empty, Facts, Found } from "../parts/basics.js";
import { Chart } from "../parts/charts.js";
import { Shape } from "../parts/icon.js";

const LOUD = new Set(["signal", "error", "hung", "out-of-memory", "exit", "sandbox"]);

export function Crashes({ name }) {
  const live = useLive((abort) => get(pathOf("instances", name, "deaths"), { limit: 20 }, abort), [name],
    { on: (event) => event.kind === "state" && event.instance === name, every_ms: 15000 });
  return html`<${Card} label="Crashes"><${Found} live=${live} what="list of ends">${({ deaths }) => deaths.length === 0
    ? html`<${Empty} icon="check" title="No worker has ended yet"><p>When one does, its card stands here: the sentence, the stack with names, the last
        server calls, the last words, and what it used before.</p><//>`
    : deaths.map((death, i) => html`<${Death} key=${death.id} death=${death} open=${i === 0}/>`)}<//><//>`;
}

function Death({ death, open }) {
  const { card } = death;
  return html`<details class="crash" open=${open}><summary><${Shape} state=${LOUD.has(death.exitClass) ? "error" : "closed"}/>
      <span><b>${card.text}</b>${card.function && html`<br/><span class="muted">in </span><code>${card.function}</code>`}</span>
      <span class="when"><${Ago} at=${death.at}/>${death.seenCount > 1 ? html`<br/>seen ${countOf(death.seenCount)} times` : ""}</span></summary>
    <div class="inside">
      ${card.where && html`<p><span class="muted">Where: </span><code>${card.where}</code></p>`}
      <${Facts} rows=${[
        ["Class", death.exitClass],
        ["At", html`<${At} at=${card.endedAt ?? death.at}/>`],
        ["Had run", card.uptimeMs !== undefined && spanOf(card.uptimeMs)],
        ["Thread", card.crash?.thread],
        ["Address", card.crash?.address && html`<code>${card.crash.address}</code>`],
        ["Exit code", card.exitCode],
        ["First seen", death.seenCount > 1 && html`<${At} at=${death.firstSeenAt}/>`],
        ["Plugin", card.version && html`${card.version} <span class="digest">${digestOf(card.digest)}</span>`],
        ["Worker", card.pid && `pid ${card.pid}, generation ${death.generation}`],
        ["Configuration", card.configRevision !== undefined && `revision ${card.configRevision}`],
        ["Most memory", card.rssMaxBytes && bytesOf(card.rssMaxBytes)],
        ["Processor", card.cpuMs !== undefined && `${countOf(card.cpuMs)} ms`],
        ["Fingerprint", card.fingerprint && html`<span class="digest">${card.fingerprint.slice(0, 16)}</span>`],
        ["Denied", card.deniedSystemCalls && Object.entries(card.deniedSystemCalls).map(([call, count]) => `${call} (${count})`).join(", ")],
        ["Left behind", card.leftBehind && plural(card.leftBehind, "process", "processes")],
      ].map(([term, value]) => [term, value === false ? null : value])}/>
      ${card.crash?.frames?.length > 0 && html`<div><h2>Stack</h2><${Frames} crash=${card.crash} names=${card.names}/></div>`}
      ${(card.stacks ?? []).map((stack) => html`<div><h2>${stack.name} (${stack.thread})${stack.waitsIn ? `, waits in ${stack.waitsIn}` : ""}</h2>
        ${stack.frames?.length ? html`<${Frames} crash=${stack}/>` : html`<p class="muted">It did not answer.</p>`}</div>`)}
      ${card.usage && card.usage.beforeEndMs.length > 1 && html`<div><h2>Before the end</h2><${Before} usage=${card.usage}/></div>`}
      ${card.lastCalls?.length > 0 && html`<div><h2>Last server calls</h2><div class="table-box" tabindex="0" role="group" aria-label="Last server calls"><table class="table" aria-label="Last server calls"><thead><tr>
        <th scope="col">At</th><th scope="col">Call</th><th scope="col">Answer</th><th scope="col" class="right">Took</th></tr></thead><tbody>
        ${card.lastCalls.map((call) => html`<tr><td class="number">${clockOf(call.at)}</td><td class="mono">${call.call}</td><td>${call.status ?? "none"}</td>
          <td class="right">${call.tookUs === undefined ? "–" : `${(call.tookUs / 1000).toFixed(1)} ms`}</td></tr>`)}</tbody></table></div></div>`}
      ${card.stderr && html`<div><h2>Last words</h2><pre class="words" tabindex="0" aria-label="Last words">${card.stderr}</pre></div>`}
    </div></details>`;
}

function Frames({ crash, names }) {
  const { frames, functions = [], runtimeFrames = [] } = crash;
  // Who is at fault is what the plugin's author wrote: the innermost frame of the plugin's own file.
  const blamed = frames.findIndex((frame, i) => frame.startsWith("plugin+") && !runtimeFrames.includes(i));
  return html`<ol class="stack-list">${frames.map((frame, i) => html`<li class=${`${i === blamed ? "blamed" : ""}${runtimeFrames.includes(i) ? " runtime" : ""}`}>
      <span aria-hidden="true">${i}</span><span><span class="function">${functions[i] || frame}</span>${functions[i] && html`<span class="place">${frame}</span>`}</span></li>`)}</ol>
    ${names?.state === "pending" && html`<p class="muted small" role="status">The names of the functions come in a moment.</p>`}
    ${names?.state === "missing" && html`<p class="muted small">No names: ${names.why}</p>`}
    ${crash.guessedCount > 0 && html`<p class="muted small">The stack was overwritten: the last ${crash.guessedCount} frames were found on it, and some may be old.</p>`}`;
}

function Before({ usage }) {
  const xs = usage.beforeEndMs.map((ms) => -ms / 1000);
  return html`<${Chart} xs=${xs} time=${false} height=${130} xShow=${(v) => `${Math.round(v)} s`} label="Memory and processor before the end" series=${[
    { label: "Memory", values: usage.memoryBytes, tone: "--accent", bytes: true, show: (v) => bytesOf(Math.round(v)) },
    { label: "Processor", values: usage.cpuPercent, tone: "--held", scale: "percent", fill: false, show: (v) => `${Math.round(v)} %` }]}/>`;
}
