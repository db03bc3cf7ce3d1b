// Shapes. Those of states differ in outline, so that no state is told by colour alone.
import { html } from "../core/html.js";

const LINES = {
  overview: "M3 9.5 10 4l7 5.5V17h-4.5v-4.5h-5V17H3z",
  instances: "M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.01M6 13.5h.01",
  incidents: "M10 3 18 17H2zM10 8v4M10 14.5h.01",
  plugins: "M8 3h4v3h5v4h-2a1.5 1.5 0 0 0 0 3h2v4H3V6h5z",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 17c0-3 2.4-5 5.5-5s5.5 2 5.5 5M13 4a3 3 0 0 1 0 5.500M15 12.500c2 .5 3 2.2 3 4.5",
  audit: "M5 2.500h7l4 4v11H5zM12 2.500v4h4M8 10.500h5M8 13.500h5",
  daemon: "M10 6.500a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v2.500M10 15.500V18M2 10h2.500M15.5 10H18M4.3 4.300l1.8 1.800M13.9 13.900l1.8 1.800M15.7 4.300l-1.8 1.800M6.1 13.900l-1.8 1.8",
  sun: "M10 6.500a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 1.500v2M10 16.500v2M1.5 10h2M16.5 10h2M4 4l1.4 1.400M14.6 14.6 16 16M16 4l-1.4 1.400M5.4 14.6 4 16",
  moon: "M16.5 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.5 8.500z",
  auto: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  search: "M9 3.500a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
  restart: "M16 10a6 6 0 1 1-2-4.500M16.5 3v3.500H13",
  test: "M7 3h6M8 3v5l-4.5 8h13L12 8V3M6.5 12.500h7",
  play: "M6 4l10 6-10 6z",
  pause: "M6.5 4v12M13.5 4v12",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5 5 15",
  check: "M4 10.5 8 15l8-9.5",
  back: "M12 4l-6 6 6 6",
  chevron: "M7 4l6 6-6 6",
  out: "M8 4H4v12h4M12 6.5 15.5 10 12 13.500M15 10H8",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9",
};

export function Icon({ name, size = 16 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path d=${LINES[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>
  </svg>`;
}

// [tone, shape]; a shape is [filled path, stroked path].
const DISC = "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z";
const RING = "M6 1.800a4.2 4.2 0 1 0 0 8.400A4.2 4.2 0 0 0 6 1.800z";
const OCTAGON = "M4 .8h4L11.2 4v4L8 11.200H4L.8 8V4z";
const TRIANGLE = "M6 .8 11.6 11H.4z";
const DIAMOND = "M6 .5 11.5 6 6 11.5.5 6z";
const SQUARE = "M1.5 1.500h9v9h-9z";
const SHAPES = {
  running: ["ok", DISC, ""],
  starting: ["busy", "M6 1a5 5 0 0 1 0 10z", RING],
  stopping: ["busy", "M6 11A5 5 0 0 1 6 1z", RING],
  backoff: ["warn", "", `${RING}M6 3.500V6l2 1.2`],
  "crash-loop": ["bad", OCTAGON, "", "M4 4l4 4M8 4 4 8"],
  quarantined: ["bad", SQUARE, "", "M4 6h4"],
  refused: ["bad", DIAMOND, "", "M6 3.500v3M6 8.500h.01"],
  held: ["held", "M2 1.500h2.800v9H2zM7.2 1.500H10v9H7.200z", ""],
  orphaned: ["warn", TRIANGLE, "", "M6 4.500v3M6 9.200h.01"],
  idle: ["idle", "M1.5 5h9v2h-9z", ""],
  completed: ["ok", "", "M1.5 6.5 4.7 9.7 10.5 2.8"],
  disabled: ["idle", "", RING],
  healthy: ["ok", "", "M1.5 6.5 4.7 9.7 10.5 2.8"],
  warning: ["warn", TRIANGLE, "", "M6 4.500v3M6 9.200h.01"],
  error: ["bad", OCTAGON, "", "M6 3v3.500M6 8.800h.01"],
  unresponsive: ["bad", "M2 .8h8L6 6zM6 6l4 5.200H2z", ""],
  unknown: ["idle", "", RING],
  debug: ["idle", "M4 4h4v4H4z", ""],
  info: ["busy", "", `${RING}M6 5.500v3M6 3.500h.01`],
  active: ["warn", DISC, ""],
  closed: ["idle", "", "M1.5 6.5 4.7 9.7 10.5 2.8"],
  shadowed: ["idle", "M6 1a5 5 0 0 1 0 10z", RING],
  removed: ["idle", "", RING],
  stable: ["ok", "", "M1.5 6.5 4.7 9.7 10.5 2.8"],
  canary: ["busy", "M6 1a5 5 0 0 1 0 10z", RING],
  rolling: ["busy", "M2 2l4 4-4 4zM6 2l4 4-4 4z", ""],
  bad: ["bad", OCTAGON, "", "M4 4l4 4M8 4 4 8"],
  kept: ["idle", SQUARE, ""],
  collected: ["idle", "", SQUARE],
  on: ["ok", "", "M1.5 6.5 4.7 9.7 10.5 2.8"],
  off: ["idle", "", RING],
  "not available": ["warn", TRIANGLE, "", "M6 4.500v3M6 9.200h.01"],
  open: ["busy", "", `${RING}M6 3.500V6l2 1.2`],
  answered: ["ok", "", "M1.5 6.5 4.7 9.7 10.5 2.8"],
  expired: ["idle", "M1.5 5h9v2h-9z", ""],
};
export const toneOf = (state) => SHAPES[state]?.[0] ?? "idle";

export function Shape({ state }) {
  const [, filled, stroked, cut] = SHAPES[state] ?? SHAPES.unknown;
  return html`<svg class="shape" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
    ${filled && html`<path d=${filled} fill="currentColor"/>`}
    ${stroked && html`<path d=${stroked} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`}
    ${cut && html`<path class="cut" d=${cut} fill="none" stroke-width="1.5" stroke-linecap="round"/>`}
  </svg>`;
}

/** A state as shape, text and colour. */
export function State({ state, text, plain }) {
  return html`<span class=${`state tone-${toneOf(state)}${plain ? " plain" : ""}`}><${Shape} state=${state}/>${text ?? state}</span>`;
}

// Bars: how many, and which tone.
const BARS = { 0: [1, "idle"], 0.5: [1, "busy"], 1: [1, "busy"], 2: [2, "warn"], 3: [3, "bad"], 4: [4, "bad"] };
export function Severity({ severity, text }) {
  const [count, tone] = BARS[severity] ?? BARS[0];
  return html`<span class=${`severity tone-${tone}`}>
    <svg class="shape" width="14" height="12" viewBox="0 0 14 12" aria-hidden="true" focusable="false">
      ${[0, 1, 2, 3].map((i) => html`<rect x=${i * 3.6} y=${9 - i * 3} width="2.6" height=${3 + i * 3} rx=".6"
        fill="currentColor" opacity=${i < count ? 1 : 0.22}/>`)}
    </svg>${text}</span>`;
}
