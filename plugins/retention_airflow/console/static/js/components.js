// @ts-check
/** Parts that every view uses: cards, states, tables, choices, and what to show where there is nothing to show. */

import { announce, fill, h, newId } from "./dom.js";
import { delta, quantity, NONE } from "./format.js";
import { language, pick, t } from "./i18n.js";
import { icon } from "./icons.js";

/** @typedef {"ok" | "warn" | "bad" | "idle"} Tone */
/** @typedef {import("./dom.js").Children} Children */

/** What the back end's states mean to a reader. @type {Record<string, Tone>} */
const TONES = {
  ok: "ok", done: "ok", fresh: "ok", good: "ok", balanced: "ok", clean: "ok", positive: "ok", published: "ok", committed: "ok", passed: "ok", no_data: "ok",
  warn: "warn", watch: "warn", late: "warn", traces: "warn", medium: "warn", needs_approval: "warn", low: "warn", fenced: "warn", waiting: "warn",
  bad: "bad", breach: "bad", failed: "bad", died: "bad", stop: "bad", imbalanced: "bad", contaminated: "bad", negative: "bad", high: "bad", stopped: "bad", broken: "bad",
}; // prettier-ignore

/** @param {string | null | undefined} state @returns {Tone} */
export const tone = (state) => TONES[state ?? ""] ?? "idle";

/** @type {Record<Tone, import("./icons.js").IconName>} */
const MARKS = { ok: "circle-check", warn: "triangle-alert", bad: "octagon-x", idle: "circle-dashed" };

/** The shape of a state. @param {Tone} which */
export const mark = (which, classes = "") => icon(MARKS[which], classes);

/**
 * A state as shape, word and colour.
 * @param {string | null | undefined} state
 * @param {string} word
 * @param {{bare?: boolean, as?: Tone}} [how]
 */
export function state(state, word, { bare = false, as } = {}) {
  const which = as ?? tone(state);
  return h("span.state", { class: `${which}${bare ? " bare" : ""}` }, mark(which), word);
}

/**
 * A card with a heading.
 * @param {Children} title
 * @param {{note?: Children, aside?: Children, classes?: string, level?: 2 | 3}} how
 * @param {...Children} children
 */
export function card(title, { note = null, aside = null, classes = "", level = 2 }, ...children) {
  const header = title ? h("header", {}, h(`h${level}`, {}, title), aside, note ? h("p.note", {}, typeof note === "string" ? prose(note) : note) : null) : null;
  return h("div.card", { class: classes }, header, children);
}

/**
 * A part of a view with its heading.
 * @param {string} title
 * @param {string | null} note
 * @param {...Children} children
 */
export function section(title, note, ...children) {
  const id = newId("section");
  return h("section.section", { "aria-labelledby": id }, h("div.title", {}, h("h2", { id }, title), note ? h("p", {}, note) : null), children);
}

/**
 * The head of a view.
 * @param {string} title
 * @param {{lead?: Children, aside?: Children, crumb?: Children}} [how]
 */
export function head(title, { lead = null, aside = null, crumb = null } = {}) {
  return h(
    "div.head",
    {},
    h("div.words", {}, crumb ? h("div.crumb", {}, crumb) : null, h("h1", { tabindex: -1 }, title), lead ? h("p.lead", {}, lead) : null),
    aside ? h("div.aside", {}, aside) : null,
  );
}

/**
 * A change since before: arrow, number, and the word better or worse for who does not see colours.
 * @param {number | null | undefined} change
 * @param {string} unit
 * @param {"up" | "down" | null | undefined} better
 * @param {string} [since]
 */
export function change(change, unit, better, since = "") {
  if (change === null || change === undefined) return null;
  const text = delta(change, unit);
  // What is written as nothing has no direction: "0.0, worse" says two things.
  const direction = /[1-9]/.test(text) ? Math.sign(change) : 0;
  const judged = direction === 0 || !better ? "" : (direction > 0) === (better === "up") ? "better" : "worse";
  const arrow = direction === 0 ? "arrow-right" : direction > 0 ? "arrow-up" : "arrow-down";
  const words = [judged ? t(`change.${judged}`) : "", since].filter(Boolean).join(", ");
  return h("span.change", { class: judged, title: words || null }, icon(arrow), text, words ? h("span.visually-hidden", {}, ` (${words})`) : null);
}

/**
 * @typedef {object} Column
 * @property {string} head
 * @property {(row: any) => Children} cell
 * @property {boolean} [number] to the right, figures of one width
 * @property {boolean} [name] the row's own name
 * @property {boolean} [whole] on a phone without the heading beside it
 * @property {string} [classes]
 */

/**
 * A table. On a phone, rows fold into cards unless `keep` is set.
 * @param {{columns: Column[], rows: any[], caption: string, keep?: boolean, plain?: boolean, link?: (row: any) => string | null, limit?: number}} how
 */
export function table({ columns, rows, caption, keep = false, plain = false, link, limit = Infinity }) {
  const body = h("tbody", {});
  const draw = (/** @type {any[]} */ some) =>
    some.map((row) => {
      const href = link?.(row) ?? null;
      const cells = columns.map((column) =>
        column.name
          ? h("th", { scope: "row", class: column.classes }, href ? h("a", { href }, column.cell(row)) : column.cell(row))
          : h("td", { class: [column.number ? "n" : "", column.whole ? "whole" : "", column.classes ?? ""].join(" "), "data-head": column.head }, column.cell(row)),
      );
      const onclick = href ? (/** @type {MouseEvent} */ event) => !(/** @type {Element} */ (event.target).closest("a, button")) && !getSelection()?.toString() && (location.hash = href) : null;
      return h("tr", { class: href ? "linked" : "", onclick: onclick ?? undefined }, cells);
    });
  body.append(...draw(rows.slice(0, limit)));
  const made = h(
    "table",
    { class: `${keep ? "" : "fold"} ${plain ? "table-plain" : ""}` },
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.number ? "n" : "" }, column.head)))),
    body,
  );
  const wrap = h("div.table-wrap", keep ? { tabindex: 0, role: "region", "aria-label": caption } : {}, made);
  if (rows.length <= limit) return wrap;
  const more = h("button.button.slim", { type: "button" }, t("table.more", { n: rows.length - limit, n_text: String(rows.length - limit) }));
  more.addEventListener("click", () => {
    const added = draw(rows.slice(limit));
    body.append(...added);
    more.parentElement?.remove();
    announce(t("table.all_shown", { n: rows.length, n_text: String(rows.length) }));
    added[0]?.querySelector("a")?.focus();
  });
  return h("div", {}, wrap, h("p.more", {}, more));
}

/**
 * One of several, as buttons.
 * @param {{label: string, options: {value: string, word: string}[], value: string, choose: (value: string) => void}} how
 */
export function choice({ label, options, value, choose }) {
  const group = h("div.segmented", { role: "group", "aria-label": label });
  for (const option of options) {
    const button = h("button", { type: "button", "aria-pressed": String(option.value === value) }, option.word);
    button.addEventListener("click", () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      choose(option.value);
    });
    group.append(button);
  }
  return group;
}

/**
 * A part that the reader can switch between forms of, redrawn in place.
 * @param {{label: string, options: {value: string, word: string}[], value: string, draw: (value: string) => Children}} how
 * @returns {{control: HTMLElement, body: HTMLElement}}
 */
export function switched({ label, options, value, draw }) {
  const body = h("div", {}, draw(value));
  const control = choice({ label, options, value, choose: (next) => fill(body, draw(next)) });
  return { control, body };
}

/** The back end's words for a state, or our own for a number. @param {import("./api.js").Trouble} trouble @returns {[string, string]} */
export function words(trouble) {
  const zh = language() === "zh";
  const message = (zh ? trouble.message_zh : trouble.message_en) ?? trouble.message_en;
  const advice = (zh ? trouble.what_to_do_zh : trouble.what_to_do_en) ?? trouble.what_to_do_en;
  const known = [0, 401, 403, 404, 429, 503].includes(trouble.status ?? -1) ? String(trouble.status) : "other";
  if (message) return [message, advice ?? (trouble.state === "error" ? t(`error.${known}.advice`) : "")];
  return trouble.state === "empty" ? [t("empty.title"), t("empty.advice")] : [t(`error.${known}.title`), t(`error.${known}.advice`)];
}

/**
 * Instead of what is not there: what happened and what to do.
 * @param {import("./api.js").Trouble} trouble
 * @param {{again?: () => void}} [how]
 */
export function nothing(trouble, { again } = {}) {
  const [message, advice] = words(trouble);
  const isError = trouble.state === "error";
  const which = !isError ? "inbox" : trouble.status === 0 ? "cloud-off" : [401, 403].includes(trouble.status ?? -1) ? "lock" : "triangle-alert";
  return h(
    "div.void",
    { role: isError ? "alert" : null },
    icon(which),
    h("p.what", {}, prose(message)),
    advice ? h("p", {}, prose(advice)) : null,
    isError && trouble.runbook ? h("p.small.quiet", {}, t("runbook", { slug: trouble.runbook })) : null,
    again ? h("button.button.slim", { type: "button", onclick: again }, icon("refresh-cw"), t("again")) : null,
  );
}

/**
 * A part of an answer: its content if it has any, else why not.
 * @template Part
 * @param {Part & {state?: string} | null | undefined} part
 * @param {(part: any) => Children} draw
 * @param {(part: any) => boolean} [isEmpty]
 * @param {string} [hint] key of the words for an empty one
 */
export function part(part, draw, isEmpty = () => false, hint = "") {
  if (!part) return nothing({ state: "empty" });
  if (part.state === "empty" || part.state === "error") return nothing(/** @type {any} */ (part));
  if (isEmpty(part)) return hint ? h("div.void", {}, icon("inbox"), h("p.what", {}, t(hint))) : nothing({ state: "empty" });
  return draw(part);
}

/**
 * A notice with its shape.
 * @param {Tone} which
 * @param {string} what
 * @param {...Children} more
 */
export const notice = (which, what, ...more) => h("div.notice", { class: which }, mark(which), h("div", {}, h("p.what", {}, what), more));

/** A sentence in which `backticks` mark what is typed or read literally. @param {string} text */
export const prose = (text) => text.split("`").map((piece, index) => (index % 2 ? h("code", {}, piece) : piece));

/** A value, or the word hidden where the group is small. @param {any} value @param {string} unit @param {boolean} [isHidden] */
export function shown(value, unit, isHidden = false) {
  if (isHidden) return h("span.quiet.small", { title: t("hidden.why") }, t("hidden.word"));
  return value === null || value === undefined ? h("span.quiet", { title: t("none") }, NONE, h("span.visually-hidden", {}, t("none"))) : h("span.num", {}, quantity(value, unit));
}

/**
 * Facts beside one another.
 * @param {[string, Children, Children?][]} pairs
 */
export const facts = (pairs) => h("dl.facts", {}, pairs.map(([name, value, note]) => h("div", {}, h("dt", {}, name), h("dd", {}, value, note ? h("span.note", {}, note) : null))));

/** Grey shapes where the view will be. */
export function waiting() {
  const block = (/** @type {number} */ height, classes = "") => {
    const made = h("div.wait", { class: classes });
    made.style.height = `${height}px`;
    return made;
  };
  return h("div", { "aria-hidden": "true" }, h("div.head", {}, h("div.words", {}, block(34, "w4"))), h("div.kpis", {}, Array.from({ length: 8 }, () => block(118))), h("div.section", {}, block(220)));
}

export { pick };
