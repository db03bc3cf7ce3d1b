// Dark, light, or as the system says; kept in this browser.
import { signal } from "@preact/signals";

const KEY = "longhaul.theme";
export const THEMES = ["auto", "light", "dark"];

function stored() {
  try {
    const value = localStorage.getItem(KEY);
    return THEMES.includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

export const choice = signal(stored());
const system = matchMedia("(prefers-color-scheme: dark)");
/** What counts: "light" or "dark". */
export const theme = signal("light");

function apply() {
  theme.value = choice.value === "auto" ? (system.matches ? "dark" : "light") : choice.value;
  document.documentElement.dataset.theme = theme.value;
}
export function choose(value) {
  choice.value = value;
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // A browser that keeps nothing: it counts until the page is closed.
  }
  apply();
}
system.addEventListener("change", apply);
apply();
