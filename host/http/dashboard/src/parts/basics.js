// Small parts: buttons, switches, notes, empty states, dialogs, toasts, tabs, times.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { agoOf, shortOf, spanOf, wholeOf } from "../core/format.js";
import { html } from "../core/html.js";
import { may, now } from "../core/store.js";
import { Icon, Shape } from "./icon.js";

export function Button({ kind = "", icon, busy, role, children, disabled, title, ...rest }) {
  const denied = role && !may(role);
  return html`<button type="button" class=${`button ${kind}`} aria-busy=${busy ? "true" : undefined}
      disabled=${disabled || busy || denied} title=${denied ? `This wants the role ${role}.` : title} ...${rest}>
    ${icon && html`<${Icon} name=${icon}/>`}${children && html`<span>${children}</span>`}</button>`;
}

export function Switch({ on, label, busy, onChange, disabled, title }) {
  return html`<button type="button" role="switch" class="switch" aria-checked=${on ? "true" : "false"} aria-label=${label}
    aria-busy=${busy ? "true" : undefined} disabled=${disabled} title=${title} onClick=${() => !busy && onChange(!on)}>
    <span class="track"><span class="thumb"></span></span></button>`;
}

/** A time of the past, and how long ago. */
export function Ago({ at }) {
  return html`<time datetime=${at} title=${wholeOf(at)}>${agoOf(at, now.value)}</time>`;
}
export function At({ at }) {
  return html`<time datetime=${at} title=${wholeOf(at)}>${shortOf(at, now.value)}</time>`;
}
export function Since({ at }) {
  return html`<time datetime=${at} title=${wholeOf(at)}>${spanOf(now.value - new Date(at).getTime())}</time>`;
}

/** A sentence of the daemon's: what stands between backticks is something to type. */
export function Prose({ text }) {
  return html`${(text ?? "").split("`").map((piece, i) => (i % 2 ? html`<code>${piece}</code>` : piece))}`;
}

/** What went wrong, in the daemon's words. */
export function ProblemNote({ problem, title }) {
  if (!problem) return null;
  return html`<div class="note bad" role="alert"><${Shape} state="error"/><div>
    ${title && html`<strong>${title}</strong>`}<p><${Prose} text=${problem.message}/></p>${problem.hint && html`<p class="muted"><${Prose} text=${problem.hint}/></p>`}
  </div></div>`;
}
export function Note({ state = "info", tone = "busy", children }) {
  return html`<div class=${`note ${tone}`}><${Shape} state=${state}/><div>${children}</div></div>`;
}

export function Empty({ icon = "overview", title, children }) {
  return html`<div class="empty"><${Icon} name=${icon} size=${28}/><strong class="empty-title">${title}</strong><div>${children}</div></div>`;
}

export function Loading({ what }) {
  return html`<div class="loading" role="status"><span class="spinner" aria-hidden="true"></span>Loading ${what}…</div>`;
}

/** Value, problem or "loading": what a useLive gave, shown once it is there. */
export function Found({ live, what, children }) {
  if (live.value !== undefined) return children(live.value);
  if (live.problem) return html`<${ProblemNote} problem=${live.problem} title=${`No ${what}`}/>`;
  return html`<${Loading} what=${what}/>`;
}

export function Card({ title, aside, children, class: more = "", label }) {
  return html`<section class=${`card ${more}`} aria-label=${label ?? (typeof title === "string" ? title : undefined)}>
    ${title && html`<header class="card-head"><h2>${title}</h2>${aside && html`<div class="aside">${aside}</div>`}</header>`}
    ${children}</section>`;
}

/** Pairs [name, value] as a list of terms; those without a value are left out. */
export function Facts({ rows }) {
  return html`<dl class="facts">${rows.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function Tabs({ tabs, current, hrefOf, label }) {
  return html`<nav class="tabs" aria-label=${label}>${tabs.map(([id, text, count]) => html`<a href=${hrefOf(id)}
    aria-current=${id === current ? "page" : undefined}>${text}${count ? html`<span class="count">${count}</span>` : ""}</a>`)}</nav>`;
}

// ---- dialogs
export function Dialog({ title, onClose, children, wide }) {
  const ref = useRef(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog.showModal();
    return () => dialog.open && dialog.close();
  }, []);
  return html`<dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onClose=${onClose}
      onClick=${(event) => event.target === ref.current && ref.current.close()}>
    <div class="dialog-body"><header><h2 id="dialog-title">${title}</h2>
      <button type="button" class="button ghost small" aria-label="Close" onClick=${() => ref.current.close()}><${Icon} name="close"/></button>
    </header>${children}</div></dialog>`;
}

const question = signal(null);
/** Asks; resolves to whether it was confirmed. */
export function confirm({ title, text, act, danger }) {
  return new Promise((resolve) => (question.value = { title, text, act, danger, resolve }));
}
export function Confirmation() {
  if (!question.value) return null;
  const { title, text, act, danger, resolve } = question.value;
  const end = (answer) => {
    question.value = null;
    resolve(answer);
  };
  return html`<${Dialog} title=${title} onClose=${() => question.value && end(false)}><p>${text}</p>
    <footer><${Button} onClick=${() => end(false)}>Cancel<//>
      <${Button} kind=${danger ? "danger" : "primary"} onClick=${() => end(true)}>${act}<//></footer><//>`;
}

// ---- toasts: what an act came to
const TOAST_MS = 6000;
const toasts = signal([]);
let last_toast = 0;
export function toast(text, { tone = "ok", hint } = {}) {
  const id = ++last_toast;
  toasts.value = [...toasts.value.slice(-3), { id, text, tone, hint }];
  setTimeout(() => dismiss(id), tone === "bad" ? TOAST_MS * 2 : TOAST_MS);
}
const dismiss = (id) => (toasts.value = toasts.value.filter((one) => one.id !== id));
export const failed = (problem, what) => toast(`${what}: ${problem.message}`, { tone: "bad", hint: problem.hint });

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">${toasts.value.map((one) => html`<div key=${one.id}
      class=${`toast ${one.tone}`}><${Shape} state=${one.tone === "bad" ? "error" : "healthy"}/>
    <div>${one.text}${one.hint && html`<p class="muted">${one.hint}</p>`}</div>
    <button type="button" class="button ghost small" aria-label="Dismiss" onClick=${() => dismiss(one.id)}><${Icon} name="close"/></button>
  </div>`)}</div>`;
}
