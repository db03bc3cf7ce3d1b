// A table of any length: of many rows only those on the screen and some around are in the document. The page itself
// scrolls, so the browser's own keys and gestures work. Rows have one height.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../core/html.js";

const ROW_PX = 44; // as in styles/table.css
const AROUND = 12;
const WHOLE_MAX = 80; // shorter ones are drawn whole

function useWindow(count, ref) {
  const [range, setRange] = useState([0, Math.min(count, WHOLE_MAX)]);
  useEffect(() => {
    if (count <= WHOLE_MAX) return setRange([0, count]);
    let frame = 0;
    const measure = () => {
      frame = 0;
      if (!ref.current) return;
      const above = -ref.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(above / ROW_PX) - AROUND);
      const last = Math.min(count, Math.ceil((above + innerHeight) / ROW_PX) + AROUND);
      setRange((was) => (was[0] === first && was[1] === last ? was : [first, Math.max(last, first)]));
    };
    const ask = () => (frame ||= requestAnimationFrame(measure));
    measure();
    addEventListener("scroll", ask, { passive: true });
    addEventListener("resize", ask);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", ask);
      removeEventListener("resize", ask);
    };
  }, [count]);
  return [Math.min(range[0], count), Math.min(range[1], count)];
}

/**
 * columns: [{id, title, render(row), class?, sort?(row) -> value, hidden? (a title for readers alone)}]; `keyOf(row)`;
 * `order`: {by, down}, `onOrder(id)` where it can be sorted.
 */
export function Table({ columns, rows, keyOf, label, order, onOrder, rowClass }) {
  const body = useRef(null);
  const [first, last] = useWindow(rows.length, body);
  const sortOf = (column) => (order?.by === column.id ? (order.down ? "descending" : "ascending") : undefined);
  const spacer = (count) => count > 0 && html`<tr class="spacer" aria-hidden="true"><td colspan=${columns.length}
    style=${{ height: `${count * ROW_PX}px` }}></td></tr>`;
  return html`<div class="table-box" tabindex="0" role="group" aria-label=${label}><table class="table" aria-label=${label} aria-rowcount=${rows.length + 1}>
    <thead><tr aria-rowindex="1">${columns.map((column) => html`<th key=${column.id} scope="col" class=${column.class} aria-sort=${sortOf(column)}>
      ${column.sort && onOrder
        ? html`<button type="button" class="sort" onClick=${() => onOrder(column.id)}>${column.title}<span class="arrow" aria-hidden="true">${
          sortOf(column) ? (order.down ? "↓" : "↑") : ""}</span></button>`
        : column.hidden ? html`<span class="unseen">${column.title}</span>` : column.title}</th>`)}</tr></thead>
    <tbody ref=${body}>
      ${spacer(first)}
      ${rows.slice(first, last).map((row, i) => html`<tr key=${keyOf(row)} class=${rowClass?.(row)} aria-rowindex=${first + i + 2}>
        ${columns.map((column) => html`<td key=${column.id} class=${column.class}>${column.render(row)}</td>`)}</tr>`)}
      ${spacer(rows.length - last)}
    </tbody></table></div>`;
}

export function sortedBy(rows, columns, { by, down }) {
  const column = columns.find((one) => one.id === by);
  if (!column?.sort) return rows;
  const keyed = rows.map((row) => [column.sort(row), row]);
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  if (down) keyed.reverse();
  return keyed.map(([, row]) => row);
}
