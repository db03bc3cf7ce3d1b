// A sparkline (SVG, in a table by the hundred) and a chart with axes (uPlot). Both have a text for those who do not see them.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clockOf } from "../core/format.js";
import { html } from "../core/html.js";
import { theme } from "../core/theme.js";

const WIDTH = 96;
const HEIGHT = 22;

const SLOTS = 60; // minutes; what is younger stands at the right

/** values: at most SLOTS numbers, the oldest first; the last is of now. */
export function Sparkline({ values, label }) {
  if (!values?.length) return html`<span class="muted" role="img" aria-label=${`${label}: nothing yet`}>–</span>`;
  const shown = values.slice(-SLOTS);
  const most = Math.max(...shown, 1);
  const step = (WIDTH - 4) / (SLOTS - 1);
  const x = (i) => ((SLOTS - shown.length + i) * step + 2).toFixed(1);
  const y = (value) => (HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1);
  const points = shown.map((value, i) => `${x(i)},${y(value)}`).join(" ");
  return html`<svg class="sparkline" width=${WIDTH} height=${HEIGHT} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${label}>
    <title>${label}</title>
    <path class="floor" d=${`M2 ${HEIGHT - 1.5}H${WIDTH - 2}`}/>
    <polygon class="area" points=${`${x(0)},${HEIGHT - 1} ${points} ${x(shown.length - 1)},${HEIGHT - 1}`}/>
    <polyline points=${points} fill="none" stroke-width="1.5"/>
    <circle cx=${x(shown.length - 1)} cy=${y(shown.at(-1))} r="2"/>
  </svg>`;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Canvas wants a resolved colour: light-dark() is resolved on an element's property.
function resolve(name) {
  const probe = document.createElement("i");
  probe.style.color = colour(name);
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
const BYTES = Array.from({ length: 40 }, (_, i) => 2 ** (i + 4)); // steps of an axis of bytes
const faded = (rgb, alpha) => rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`).replace(/^(color\([^)]*?)\)$/, `$1 / ${alpha})`);

/**
 * xs: numbers, times in seconds where `time`; series: [{label, values, tone: a CSS variable, scale?, show: value -> text, bars?, bytes?}].
 * scales: at most two, the second one has its axis on the right.
 */
export function Chart({ xs, series, time = true, height = 160, label, xShow }) {
  const ref = useRef(null);
  const plot = useRef(null);
  const data = [xs, ...series.map((one) => one.values)];
  const form = JSON.stringify([series.map((one) => [one.label, one.tone, one.scale]), theme.value, height, time]);
  useEffect(() => {
    const box = ref.current;
    const muted = resolve("--muted");
    const line = resolve("--line");
    const font = "11px Inter, system-ui, sans-serif";
    const scales = [...new Set(series.map((one) => one.scale ?? "y"))];
    const showOf = (scale) => series.find((one) => (one.scale ?? "y") === scale).show;
    plot.current = new uPlot({
      width: Math.max(box.clientWidth, 100), height, padding: [8, scales.length > 1 ? 0 : 12, 0, 0],
      legend: { show: true, live: true }, cursor: { y: false, points: { size: 6 } },
      scales: { x: { time, ...(series.some((one) => one.bars) && xs.length > 1 ? { range: (u, low, high) => [low - (xs[1] - xs[0]) / 2, high + (xs[1] - xs[0]) / 2] } : {}) }, ...Object.fromEntries(scales.map((scale) => [scale, { range: (u, low, high) => [0, Math.max(high * 1.1, 1)] }])) },
      axes: [
        { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false }, font, size: 26, space: 70,
          values: (u, splits) => splits.map(xShow ?? ((at) => clockOf(at * 1000).slice(0, splits.length > 1 && splits[1] - splits[0] < 60 ? 8 : 5))) },
        ...scales.map((scale, i) => ({ scale, side: i ? 1 : 3, stroke: muted, grid: { show: !i, stroke: line, width: 1 },
          ticks: { show: false }, font, size: 60, space: 32, ...(series.some((one) => (one.scale ?? "y") === scale && one.bytes) ? { incrs: BYTES } : {}), values: (u, splits) => splits.map((value) => showOf(scale)(value)) })),
      ],
      series: [
        { label: time ? "Time" : "Before the end", ...(xShow ? { value: (u, value) => (value == null ? "–" : xShow(value)) } : { value: (u, at) => (at == null ? "–" : clockOf(at * 1000)) }) },
        ...series.map((one) => {
          const stroke = resolve(one.tone);
          return { label: one.label, scale: one.scale ?? "y", stroke, width: 1.6, fill: one.fill === false ? undefined : faded(stroke, 0.12),
            points: { show: false }, value: (u, value) => (value == null ? "–" : one.show(value)),
            ...(one.bars ? { paths: uPlot.paths.bars({ size: [0.8, 24] }), fill: faded(stroke, 0.55) } : {}) };
        }),
      ],
    }, data, box);
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(box.clientWidth, 100), height }));
    observer.observe(box);
    return () => {
      observer.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [form]);
  useEffect(() => plot.current?.setData(data), [JSON.stringify(data)]);
  return html`<figure class="chart" role="group" aria-label=${label}><div ref=${ref}></div></figure>`;
}
