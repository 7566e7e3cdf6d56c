// @ts-check
/** Charts small enough for a card or a table's cell, as SVG and plain elements: sharp at any size, coloured by the style sheet. */

import { h, s } from "../dom.js";

/**
 * A line without axes; gaps stay gaps.
 * @param {(number | null)[]} values oldest first
 * @param {string} describe
 */
export function spark(values, describe) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [width, height, pad] = [100, 38, 4];
  const x = (/** @type {number} */ index) => (index / (values.length - 1)) * width;
  const y = (/** @type {number} */ value) => (high === low ? height / 2 : height - pad - ((value - low) / (high - low)) * (height - 2 * pad));
  let path = "";
  let area = "";
  let from = -1;
  values.forEach((value, index) => {
    if (typeof value !== "number") return;
    const starts = typeof values[index - 1] !== "number";
    if (starts) from = index;
    path += `${starts ? "M" : "L"}${x(index).toFixed(2)} ${y(value).toFixed(2)}`;
    if (typeof values[index + 1] !== "number") {
      const run = values.slice(from, index + 1).map((v, i) => `${x(from + i).toFixed(2)} ${y(/** @type {number} */ (v)).toFixed(2)}`);
      area += `M${x(from).toFixed(2)} ${height}L${run.join("L")}L${x(index).toFixed(2)} ${height}Z`;
    }
  });
  const last = values.length - 1;
  const end = typeof values[last] === "number" ? s("path.end", { d: `M${x(last)} ${y(/** @type {number} */ (values[last])).toFixed(2)}h0` }) : null;
  return s("svg.spark", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": describe }, s("path.area", { d: area }), s("path.trend", { d: path }), end);
}

/**
 * An effect with its interval on a scale that it shares with its neighbours.
 * @param {{at: number | null, low: number | null, high: number | null, tone: "ok" | "bad" | "idle", sure: boolean, scale: [number, number], describe: string}} how
 */
export function interval({ at, low, high, tone, sure, scale, describe }) {
  if (at === null || at === undefined) return null;
  const [from, until] = scale;
  const x = (/** @type {number} */ value) => 4 + (Math.max(from, Math.min(until, value)) - from) / (until - from || 1) * 192;
  return s(
    "svg.interval",
    { viewBox: "0 0 200 26", preserveAspectRatio: "xMidYMid meet", role: "img", "aria-label": describe, class: `tone-${tone}` },
    s("line.zero", { x1: x(0), x2: x(0), y1: 1, y2: 25 }),
    low === null || low === undefined || high === null || high === undefined ? null : s("line.range", { x1: x(low), x2: x(high), y1: 13, y2: 13 }),
    s("circle.dot", { cx: x(at), cy: 13, r: 5, class: sure ? "sure" : "" }),
  );
}

/** A scale around zero that holds all of some intervals. @param {(number | null | undefined)[]} values @returns {[number, number]} */
export function scaleOf(values) {
  const known = /** @type {number[]} */ (values.filter((value) => Number.isFinite(value)));
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  const room = (high - low) * 0.06 || 1;
  return [low - room, high + room];
}

/**
 * Bars in a list: name, bar, number. Without colours the list still says everything.
 * @param {{items: {name: import("../dom.js").Children, value: number | null, text: import("../dom.js").Children, note?: import("../dom.js").Children, tone?: number, hatched?: number}[], most?: number, label: string}} how
 */
export function bars({ items, most, label }) {
  const top = most ?? Math.max(...items.map((item) => item.value ?? 0), 0);
  return h(
    "ul.bars",
    { "aria-label": label },
    items.map((item) => {
      const share = top > 0 ? Math.max(0, item.value ?? 0) / top : 0;
      const hatched = item.hatched && item.value ? item.hatched / item.value : 0;
      return h(
        "li",
        {},
        h("span.name", {}, item.name),
        h(
          "span.track",
          { "aria-hidden": "true" },
          item.value ? h("span.fill", { class: `tone-${item.tone ?? 1}`, style: { "--share": share * (1 - hatched) } }) : null,
          hatched ? h("span.fill.hatched", { class: "tone-2", style: { "--share": share * hatched } }) : null,
        ),
        h("span.value", {}, item.text, item.note ? h("span.note", {}, item.note) : null),
      );
    }),
  );
}

const PATTERNS = ["", "hatched", "dotted", "", "hatched", "dotted"];

/**
 * One bar cut into parts, with patterns so that parts stay apart without colours.
 * @param {{name: string, value: number, text: import("../dom.js").Children}[]} parts
 * @param {string} label
 */
export function split(parts, label) {
  const total = parts.reduce((sum, part) => sum + Math.max(0, part.value), 0);
  const look = (/** @type {number} */ index) => `tone-${(index % 6) + 1} ${PATTERNS[index % 6]}`;
  return h(
    "div.split",
    {},
    h("div.whole", { "aria-hidden": "true" }, parts.map((part, index) => (part.value > 0 ? h("span.part", { class: look(index), style: { "--share": part.value / (total || 1) } }) : null))),
    h("ul.keys", { "aria-label": label }, parts.map((part, index) => h("li", {}, h("span.swatch", { class: look(index), "aria-hidden": "true" }), h("span", {}, part.name), h("span.num.strong", {}, part.text)))),
  );
}

/** The deepest shade on which the text keeps a contrast of 4.5, in light and in dark. */
const DEEPEST = 0.58;

/**
 * A table whose shades follow its numbers.
 * @param {{caption: string, corner: string, across: {key: any, name: string}[], down: {key: any, name: string}[], cell: (down: any, across: any) => {value: number | null, text: import("../dom.js").Children, note?: import("../dom.js").Children, title?: string, same?: boolean, pick?: () => void, calm?: boolean} | null}} how
 */
export function heat({ caption, corner, across, down, cell }) {
  const cells = down.map((row) => across.map((column) => cell(row.key, column.key)));
  const most = Math.max(...cells.flat().map((one) => (one && !one.calm ? (one.value ?? 0) : 0)), 0);
  const made = h(
    "table.heat",
    {},
    h("caption.visually-hidden", {}, caption),
    h("thead", {}, h("tr", {}, corner ? h("th", { scope: "col" }, corner) : h("td.blank", {}), across.map((column) => h("th", { scope: "col" }, column.name)))),
    h(
      "tbody",
      {},
      down.map((row, i) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, row.name),
          cells[i].map((one) => {
            if (!one) return h("td.blank", {});
            const shade = one.calm ? 0 : most > 0 ? Math.sqrt(Math.max(0, one.value ?? 0) / most) * DEEPEST : 0;
            const inner = [one.text, one.note ? h("span.note", {}, one.note) : null];
            const td = h("td", { class: one.same ? "same" : "", title: one.title ?? null, style: { "--shade": shade.toFixed(3) } });
            if (one.pick) {
              td.append(
                h("button", {
                  type: "button",
                  "aria-pressed": "false",
                  onclick: (/** @type {Event} */ event) => {
                    for (const other of made.querySelectorAll("td[data-picked]")) other.removeAttribute("data-picked");
                    for (const other of made.querySelectorAll("button[aria-pressed]")) other.setAttribute("aria-pressed", "false");
                    td.dataset.picked = "true";
                    /** @type {Element} */ (event.currentTarget).setAttribute("aria-pressed", "true");
                    one.pick?.();
                  },
                }, inner),
              );
            } else td.append(...inner.flat().filter((node) => node !== null && node !== undefined && node !== false).map((node) => (node instanceof Node ? node : String(node))));
            return td;
          }),
        ),
      ),
    ),
  );
  return h("div.table-wrap", { tabindex: 0, role: "region", "aria-label": caption }, made);
}

/**
 * Steps that fewer and fewer people reach.
 * @param {{name: string, value: number | null, text: import("../dom.js").Children}[]} steps
 * @param {string} label
 */
export function funnel(steps, label) {
  const most = Math.max(...steps.map((step) => step.value ?? 0), 1);
  return h(
    "ol.funnel",
    { "aria-label": label },
    steps.map((step, index) =>
      h("li", {}, h("span", {}, step.name), h("span", { "aria-hidden": "true" }, step.value ? h("span.step", { style: { "--share": step.value / most, "--rank": index } }) : null), h("span.value", {}, step.text)),
    ),
  );
}
