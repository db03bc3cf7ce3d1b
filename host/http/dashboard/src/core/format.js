// Values as people read them. Pure.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });

export const clockOf = (time) => clock.format(new Date(time));
export const wholeOf = (time) => whole.format(new Date(time));

/** "12:03:11" of today, "23 Nov 12:03" of other days. */
export function shortOf(time, now = Date.now()) {
  const at = new Date(time);
  if (at.toDateString() === new Date(now).toDateString()) return clock.format(at);
  return `${day.format(at)} ${clock.format(at).slice(0, 5)}`;
}

/** "4 s", "3 min", "2 h 5 min", "6 d 3 h". */
export function spanOf(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 30 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** "just now", "3 min ago". */
export function agoOf(time, now = Date.now()) {
  const ms = now - new Date(time).getTime();
  return ms < 5000 ? "just now" : `${spanOf(ms)} ago`;
}

export function bytesOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  for (const [unit, size] of [["KiB", 2 ** 10], ["MiB", 2 ** 20], ["GiB", 2 ** 30]]) {
    if (bytes < size * 1024 || unit === "GiB") {
      const value = bytes / size;
      return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
    }
  }
  return `${bytes} B`;
}

const counts = new Intl.NumberFormat("en-GB");
export const countOf = (count) => counts.format(count ?? 0);
export const plural = (count, one, many = `${one}s`) => `${countOf(count)} ${count === 1 ? one : many}`;
export const digestOf = (digest) => (digest ? digest.slice(0, 12) : "");

const SEVERITIES = { 0: "Unknown", 0.5: "Informational", 1: "Low", 2: "Medium", 3: "High", 4: "Critical" };
export const severityOf = (severity) => SEVERITIES[severity] ?? String(severity);

/** JSON for reading; a text stays as it is. */
export const readable = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
