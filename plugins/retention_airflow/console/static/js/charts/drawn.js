// @ts-check
/**
 * Charts drawn by Chart.js, loaded when the first one is needed. Each is described in words, can be walked with the arrow keys,
 * and has its numbers as a table below it.
 */

import { announce, h, s } from "../dom.js";
import { t } from "../i18n.js";
import { table } from "../components.js";
import { colour } from "../theme.js";

/** @type {Promise<any> | null} */
let loading = null;
/** Charts on the page. @type {Set<any>} */
const alive = new Set();

/** @returns {Promise<any>} */
function library() {
  loading ??= import("../../vendor/chart-4.6.1.umd.min.js").then(() => /** @type {any} */ (globalThis).Chart);
  return loading;
}

/** Free the charts of the view that is left. */
export function dispose() {
  for (const chart of alive) chart.destroy();
  alive.clear();
}

/** Lines differ by dash and by the shape of their points as well as by colour. */
export const STYLES = [
  { colour: "--data-1", dash: [], point: "circle" },
  { colour: "--data-2", dash: [7, 4], point: "rectRot" },
  { colour: "--data-3", dash: [2, 3], point: "triangle" },
  { colour: "--data-4", dash: [10, 3, 2, 3], point: "rect" },
  { colour: "--data-5", dash: [4, 4], point: "star" },
  { colour: "--data-6", dash: [1, 2], point: "crossRot" },
];

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {(number | null)[]} values one per label
 * @property {(number | null)[]} [low] band below
 * @property {(number | null)[]} [high] band above
 * @property {number} [style] place in STYLES
 * @property {boolean} [soft] beside the matter: thinner
 */

/** @param {number} index */
const styleOf = (index) => STYLES[index % STYLES.length];

/** A sample of a line for the legend. @param {number} index */
function sample(index) {
  const style = styleOf(index);
  const line = s("line", { x1: 0, x2: 24, y1: 6, y2: 6, "stroke-width": 2.5, "stroke-dasharray": style.dash.join(" ") });
  line.style.setProperty("stroke", `var(${style.colour})`);
  return s("svg", { viewBox: "0 0 24 12", "aria-hidden": "true" }, line);
}

/**
 * The frame of a drawn chart.
 * @param {{describe: string, legend?: {name: string, style: number}[], size?: "" | "tall" | "low", config: (pen: Pen) => any,
 *   rows: any[], columns: import("../components.js").Column[], say: (index: number) => string, length: number}} how
 */
function frame({ describe, legend = [], size = "", config, rows, columns, say, length }) {
  const canvas = h("canvas", { role: "img", "aria-label": describe });
  const plot = h("div.plot", { class: size, tabindex: 0, role: "group", "aria-label": t("chart.walk", { what: describe }) }, canvas);
  /** @type {any} */
  let chart = null;
  let at = -1;
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[/** @type {KeyboardEvent} */ (event).key];
    if (!step || !chart) return;
    event.preventDefault();
    at = Math.max(0, Math.min(length - 1, at + step));
    const active = chart.data.datasets.flatMap((/** @type {any} */ set, /** @type {number} */ datasetIndex) => (set.walk && set.data[at] != null ? [{ datasetIndex, index: at }] : []));
    chart.setActiveElements(active);
    chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
    chart.update("none");
    announce(say(at));
  });
  void library().then((Chart) => {
    if (!canvas.isConnected) return;
    chart = new Chart(canvas, config(pen()));
    alive.add(chart);
    plot.dataset.drawn = "";
  });
  return h(
    "figure.figure",
    {},
    legend.length > 1 ? h("ul.legend", {}, legend.map((item) => h("li", {}, sample(item.style), item.name))) : null,
    plot,
    h("details", {}, h("summary", {}, t("chart.table")), table({ columns, rows, caption: describe, keep: true, plain: true })),
  );
}

/** @typedef {ReturnType<typeof pen>} Pen */

/** The colours in force and the options that all charts share. */
function pen() {
  const ink = colour("--ink-quiet");
  const line = colour("--line");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    colour,
    fade: (/** @type {string} */ name, /** @type {number} */ share) => {
      const [r, g, b] = (colour(name).match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
      return `rgb(${r} ${g} ${b} / ${share})`;
    },
    line,
    ink,
    axis: (/** @type {any} */ more) => ({
      border: { display: false },
      grid: { color: line, drawTicks: false },
      ...more,
      ticks: { color: ink, padding: 8, font: { size: 12, family: getComputedStyle(document.body).fontFamily }, maxRotation: 0, autoSkipPadding: 18, ...more.ticks },
      title: more.title ? { display: true, color: ink, font: { size: 12, family: getComputedStyle(document.body).fontFamily }, ...more.title } : undefined,
    }),
    tooltip: {
      backgroundColor: colour("--ink"),
      titleColor: colour("--surface"),
      bodyColor: colour("--surface"),
      padding: 10,
      cornerRadius: 8,
      boxPadding: 5,
      titleFont: { family: getComputedStyle(document.body).fontFamily },
      bodyFont: { family: getComputedStyle(document.body).fontFamily },
    },
    base: { responsive: true, maintainAspectRatio: false, animation: still ? false : { duration: 260 }, interaction: { mode: "index", intersect: false } },
  };
}

/**
 * Lines over time, with a band where there is an interval.
 * @param {{describe: string, labels: string[], series: Series[], format: (value: number | null) => string, size?: "" | "tall" | "low", first?: string, zero?: boolean}} how
 */
export function lines({ describe, labels, series, format, size = "", first = t("chart.date"), zero = false }) {
  const style = (/** @type {Series} */ one) => one.style ?? series.indexOf(one);
  const whole = series.every((one) => one.values.every((value) => value === null || Number.isInteger(value)));
  return frame({
    describe,
    size,
    length: labels.length,
    legend: series.map((one) => ({ name: one.name, style: style(one) })),
    say: (index) => `${labels[index]}: ${series.map((one) => `${one.name} ${format(one.values[index])}`).join(", ")}`,
    rows: labels.map((label, index) => ({ label, index })),
    columns: [
      { head: first, name: true, cell: (row) => row.label },
      ...series.map((one) => ({ head: one.name, number: true, cell: (/** @type {any} */ row) => `${format(one.values[row.index])}${one.low ? ` (${format(one.low[row.index])} – ${format(one.high?.[row.index] ?? null)})` : ""}` })),
    ],
    config: (pen) => ({
      type: "line",
      data: {
        labels,
        datasets: series.flatMap((one) => {
          const look = styleOf(style(one));
          const set = {
            label: one.name,
            data: one.values,
            walk: true,
            borderColor: pen.colour(look.colour),
            backgroundColor: pen.colour(look.colour),
            borderDash: look.dash,
            borderWidth: one.soft ? 1.5 : 2.25,
            pointStyle: look.point,
            pointRadius: labels.length < 20 ? 3 : 0,
            pointHoverRadius: 5,
            spanGaps: false,
          };
          if (!one.low || !one.high) return [set];
          const edge = { walk: false, borderWidth: 0, pointRadius: 0, pointHoverRadius: 0 };
          return [set, { ...edge, label: "", data: one.low, fill: false }, { ...edge, label: "", data: one.high, fill: "-1", backgroundColor: pen.fade(look.colour, 0.14) }];
        }),
      },
      options: {
        ...pen.base,
        plugins: {
          legend: { display: false },
          tooltip: { ...pen.tooltip, filter: (/** @type {any} */ item) => Boolean(item.dataset.label), callbacks: { label: (/** @type {any} */ item) => ` ${series.length > 1 ? `${item.dataset.label}: ` : ""}${format(item.raw)}` } },
        },
        scales: { x: pen.axis({ grid: { display: false } }), y: pen.axis({ beginAtZero: zero, grace: "6%", ticks: { maxTicksLimit: 6, precision: whole ? 0 : undefined, callback: (/** @type {number} */ value) => format(value) } }) },
      },
    }),
  });
}

/**
 * What was said against what came: on the diagonal, the model keeps its word.
 * @param {{describe: string, points: {x: number, y: number, size: number, name: string}[], format: (value: number | null) => string, across: string, upwards: string}} how
 */
export function diagonal({ describe, points, format, across, upwards }) {
  const most = roundedUp(Math.max(...points.flatMap((point) => [point.x, point.y]), 0) * 1.04);
  const least = Math.min(0, ...points.flatMap((point) => [point.x, point.y]));
  const largest = Math.max(...points.map((point) => point.size), 1);
  return frame({
    describe,
    size: "tall",
    length: points.length,
    say: (index) => `${points[index].name}: ${across} ${format(points[index].x)}, ${upwards} ${format(points[index].y)}`,
    rows: points,
    columns: [
      { head: t("chart.group"), name: true, cell: (row) => row.name },
      { head: across, number: true, cell: (row) => format(row.x) },
      { head: upwards, number: true, cell: (row) => format(row.y) },
      { head: t("column.customers"), number: true, cell: (row) => row.size },
    ],
    config: (pen) => ({
      type: "scatter",
      data: {
        datasets: [
          { label: "points", walk: true, data: points.map(({ x, y }) => ({ x, y })), backgroundColor: pen.fade("--data-1", 0.35), borderColor: pen.colour("--data-1"), borderWidth: 2, pointRadius: points.map((point) => 4 + 8 * Math.sqrt(point.size / largest)), pointHoverRadius: points.map((point) => 6 + 8 * Math.sqrt(point.size / largest)) },
          { label: "", walk: false, type: "line", data: [{ x: least, y: least }, { x: most, y: most }], borderColor: pen.ink, borderDash: [4, 4], borderWidth: 1.5, pointRadius: 0, pointHoverRadius: 0 },
        ],
      },
      options: {
        ...pen.base,
        interaction: { mode: "nearest", intersect: true },
        plugins: { legend: { display: false }, tooltip: { ...pen.tooltip, filter: (/** @type {any} */ item) => item.datasetIndex === 0, callbacks: { label: (/** @type {any} */ item) => ` ${points[item.dataIndex].name}: ${format(item.raw.x)} → ${format(item.raw.y)}` } } },
        scales: {
          x: pen.axis({ min: least, max: most, title: { text: across }, ticks: { maxTicksLimit: 6, callback: (/** @type {number} */ value) => format(value) } }),
          y: pen.axis({ min: least, max: most, title: { text: upwards }, ticks: { maxTicksLimit: 6, callback: (/** @type {number} */ value) => format(value) } }),
        },
      },
    }),
  });
}

/** The next number that an axis may well end at. @param {number} value */
function roundedUp(value) {
  if (!(value > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(value));
  return Number(((Math.ceil((value / step) * 5) / 5) * step).toPrecision(6));
}

/**
 * Upright bars.
 * @param {{describe: string, labels: string[], values: (number | null)[], format: (value: number | null) => string, size?: "" | "tall" | "low", first: string, name: string, line?: number, style?: number}} how
 */
export function columns({ describe, labels, values, format, size = "", first, name, line, style = 0 }) {
  return frame({
    describe,
    size,
    length: labels.length,
    say: (index) => `${labels[index]}: ${format(values[index])}`,
    rows: labels.map((label, index) => ({ label, index })),
    columns: [
      { head: first, name: true, cell: (row) => row.label },
      { head: name, number: true, cell: (row) => format(values[row.index]) },
    ],
    config: (pen) => ({
      type: "bar",
      data: {
        labels,
        datasets: [
          { label: name, walk: true, data: values, backgroundColor: pen.fade(styleOf(style).colour, 0.85), borderRadius: 4, maxBarThickness: 36 },
          ...(line === undefined ? [] : [{ type: "line", label: "", walk: false, data: labels.map(() => line), borderColor: pen.ink, borderDash: [4, 4], borderWidth: 1.5, pointRadius: 0, pointHoverRadius: 0 }]),
        ],
      },
      options: {
        ...pen.base,
        plugins: { legend: { display: false }, tooltip: { ...pen.tooltip, filter: (/** @type {any} */ item) => Boolean(item.dataset.label), callbacks: { label: (/** @type {any} */ item) => ` ${format(item.raw)}` } } },
        scales: { x: pen.axis({ grid: { display: false } }), y: pen.axis({ beginAtZero: true, grace: "6%", ticks: { maxTicksLimit: 5, callback: (/** @type {number} */ value) => format(value) } }) },
      },
    }),
  });
}
