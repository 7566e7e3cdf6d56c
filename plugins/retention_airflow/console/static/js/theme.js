// @ts-check
/** Light or dark: chosen here, else as in Airflow, else as the system has it. Charts ask here for the colours in force. */

import { read, write } from "./storage.js";

/** @typedef {"light" | "dark" | "system"} Theme */

const dark = matchMedia("(prefers-color-scheme: dark)");

/** What the reader chose on this page. @returns {Theme} */
export function chosen() {
  const theme = read("retention.theme");
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** @param {Theme} theme */
export function choose(theme) {
  write("retention.theme", theme === "system" ? null : theme);
  follow();
}

/** Put the theme in force on the document. */
export function follow() {
  const own = chosen();
  const airflow = read("theme");
  const theme = own !== "system" ? own : airflow;
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Whether dark is in force. */
export function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : dark.matches;
}

/**
 * Call back whenever the colours change: by the system, or because somebody switched Airflow around this page.
 * @param {() => void} changed
 */
export function watch(changed) {
  dark.addEventListener("change", changed);
  addEventListener("storage", (event) => {
    if (event.key !== "theme" && event.key !== "retention.theme") return;
    follow();
    changed();
  });
}

/** @type {HTMLElement | undefined} */
let probe;

/**
 * A colour of the style sheet as a canvas understands it.
 * @param {string} name custom property, e.g. "--ink"
 * @returns {string}
 */
export function colour(name) {
  if (!probe) {
    probe = document.createElement("i");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
