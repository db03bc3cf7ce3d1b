// What the plugin keeps between runs. Not for everybody who may look: it may hold tokens of the plugin's.
import { get, pathOf } from "../core/api.js";
import { html } from "../core/html.js";
import { plural } from "../core/format.js";
import { may } from "../core/store.js";
import { useLive } from "../core/use.js";
import { Card, Empty, Found } from "../parts/basics.js";

export function Context({ name }) {
  if (!may("operate")) return html`<${Card}><${Empty} icon="lock" title="This wants the role operate"><p>A context may hold what is not for everybody.</p><//><//>`;
  return html`<${Values} name=${name}/>`;
}

function Values({ name }) {
  const live = useLive((abort) => get(pathOf("instances", name, "context"), {}, abort), [name], { every_ms: 5000 });
  return html`<${Found} live=${live} what="context">${({ version, values, quarantinedKeys }) => {
    const rows = Object.entries(values);
    return html`<${Card} title="Context" aside=${html`<span>version ${version}, ${plural(rows.length, "key")}</span>`}>
      ${rows.length === 0 ? html`<${Empty} icon="daemon" title="Nothing is kept"><p>What the plugin writes with setIntegrationContext stands here. From outside:</p>
          <pre>longhaul context patch ${name} key=value</pre><//>`
        : html`<div class="table-box" tabindex="0" role="group" aria-label="Context"><table class="table free" aria-label="Context"><thead><tr><th scope="col">Key</th><th scope="col">Value</th></tr></thead><tbody>
          ${rows.map(([key, value]) => html`<tr key=${key}><td class="mono">${key}${quarantinedKeys.includes(key) ? html` <span class="muted">(set aside)</span>` : ""}</td>
            <td class="mono">${JSON.stringify(value, null, 1)}</td></tr>`)}</tbody></table></div>`}<//>`;
  }}<//>`;
}
