// @ts-check
/** Whether the data and the pipeline are well: objectives, checks, what was refused and why, runs, feeds. */

import { ApiError } from "../api.js";
import { card, choice, facts, head, mark, notice, part, pick, prose, shown, state, table } from "../components.js";
import { lines } from "../charts/drawn.js";
import { spark } from "../charts/small.js";
import { h } from "../dom.js";
import { ago, count, day, duration, moment, number } from "../format.js";
import { t } from "../i18n.js";
import { dagLink } from "../links.js";
import { to } from "../router.js";

const PARTS = /** @type {const} */ (["health", "checks", "quarantine", "runs"]);

/** @param {import("./index.js").Ask} ask */
export async function load({ get }) {
  const gone = (/** @type {unknown} */ error) => {
    if (error instanceof ApiError) return error;
    throw error;
  };
  const [quality, health] = await Promise.all([get("quality").catch(gone), get("health").catch(gone)]);
  if (quality instanceof ApiError && health instanceof ApiError) throw quality;
  const inner = (/** @type {any} */ answer) => (answer instanceof ApiError ? { trouble: answer.trouble } : answer.state === "ok" ? answer.data : { trouble: answer });
  return { state: "ok", meta: quality.meta ?? health.meta, data: { quality: inner(quality), health: inner(health) } };
}

/** @param {any} data @param {import("./index.js").Context} context */
export function show(data, { place, navigate }) {
  const wanted = /** @type {any} */ (place.query.get("part"));
  const which = PARTS.includes(wanted) ? wanted : "health";
  const { quality, health } = data;
  const draw = {
    health: () => objectives(health.checks ?? health.trouble),
    checks: () => h("div.stack", {}, summary(quality.summary), checks(quality.checks ?? quality.trouble), history(quality.history ?? quality.trouble)),
    quarantine: () => h("div.stack", {}, quarantine(quality.quarantine ?? quality.trouble), batches(quality.batches ?? quality.trouble)),
    runs: () => h("div.stack", {}, runs(health.runs ?? health.trouble), feeds(health.feeds ?? health.trouble)),
  };
  return h(
    "div",
    {},
    head(t("quality.title"), {
      lead: t("quality.lead"),
      aside: choice({ label: t("quality.title"), value: which, options: PARTS.map((value) => ({ value, word: t(`quality.${value}`) })), choose: (value) => navigate(to("quality", [], { part: value })) }),
    }),
    draw[/** @type {typeof PARTS[number]} */ (which)](),
  );
}

/** @param {any} checks */
function objectives(checks) {
  const order = ["breach", "warn", "ok", "not_measured"];
  return card(
    t("objectives.title"),
    { note: t("objectives.note"), classes: "flush" },
    part(checks, (some) => {
      const rows = [...some.rows].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
      const wrong = rows.filter((row) => ["breach", "warn"].includes(row.state));
      const met = rows.filter((row) => row.state === "ok").length;
      return [
        wrong.length || !met ? null : h("div.pad", {}, notice("ok", t("objectives.all_met", { n: met, n_text: number(met) }))),
        table({
          caption: t("objectives.title"),
          rows,
          limit: Math.max(12, wrong.length),
          columns: [
            { head: t("column.check"), name: true, cell: (row) => [pick(row.label, row.check), row.subject ? h("span.note", {}, h("br"), pick(row.subject_label, row.subject)) : null] },
            { head: t("column.state"), cell: (row) => state(row.state, t(`health.${row.state}`)) },
            { head: t("column.value"), number: true, cell: (row) => shown(row.value, row.unit) },
            { head: t("column.objective"), number: true, cell: (row) => shown(row.objective, row.unit) },
            { head: t("column.since"), cell: (row) => (row.state === "ok" ? "" : day(row.since)) },
            { head: t("column.sentence"), whole: true, classes: "wrap", cell: (row) => [pick(row.sentence), ["breach", "warn"].includes(row.state) && row.advice ? h("span.note", {}, h("br"), prose(pick(row.advice))) : null] },
          ],
        }),
      ];
    }, (some) => !some.rows?.length),
  );
}

/** @param {any} summary */
function summary(summary) {
  if (!summary) return null;
  return h("div.card", {}, facts([
    [t("checks.made"), count(summary.checks)],
    [t("checks.failed"), h("span.row", {}, count(summary.failed), summary.failed ? mark("warn", "tiny warn") : mark("ok", "tiny ok"))],
    [t("checks.stopped"), h("span.row", {}, count(summary.stopped), summary.stopped ? mark("bad", "tiny bad") : mark("ok", "tiny ok")), t("checks.stopped_note")],
    [t("checks.quarantined"), count(summary.quarantined_rows), t("checks.waiting", { n: summary.waiting_rows ?? 0, n_text: count(summary.waiting_rows) })],
  ]));
}

/** @param {any} checks */
function checks(checks) {
  return card(
    t("checks.title"),
    { note: checks?.total ? t("checks.passed", { n: checks.total, n_text: number(checks.total), passed: number(checks.passed) }) : null, classes: "flush" },
    part(checks, (some) =>
      table({
        caption: t("checks.title"),
        rows: some.rows,
        limit: 15,
        columns: [
          { head: t("column.table"), name: true, cell: (row) => [h("code", {}, row.table), row.column ? h("span.note", {}, h("br"), row.column) : null] },
          { head: t("column.rule"), cell: (row) => pick(row.rule_label, row.rule) },
          { head: t("column.state"), cell: (row) => state(row.passed ? "passed" : row.severity === "fail" ? "stopped" : "warn", row.passed ? t("checks.ok") : t("checks.not_ok")) },
          { head: t("column.severity"), cell: (row) => pick(row.severity_label, row.severity) },
          { head: t("checks.rows"), number: true, cell: (row) => t("checks.rows_of", { n: row.rows_failed ?? 0, n_text: count(row.rows_failed), all: count(row.rows_checked) }) },
          { head: t("checks.expected"), classes: "wrap", whole: true, cell: (row) => [pick(row.expected), row.observed ? h("span.note", {}, h("br"), t("checks.found", { found: pick(row.observed) })) : null] },
        ],
      }), (some) => !some.rows?.length),
  );
}

/** @param {any} history */
function history(history) {
  return card(t("checks.history"), {}, part(history, (some) => lines({ describe: t("checks.history"), size: "low", zero: true, labels: some.days.map((/** @type {any} */ one) => day(one.date)), format: (value) => count(value), series: [{ name: t("checks.rows_failed"), values: some.days.map((/** @type {any} */ one) => one.rows_failed) }] }), (some) => !some.days?.length));
}

/** @param {any} some */
function quarantine(some) {
  return card(
    t("quarantine.title"),
    { note: t("quarantine.note"), classes: "flush" },
    part(some, (all) =>
      table({
        caption: t("quarantine.title"),
        rows: all.rules,
        limit: 20,
        columns: [
          { head: t("column.rule"), name: true, cell: (row) => [pick(row.rule_label, row.rule), row.column ? h("span.note", {}, h("br"), row.column) : null] },
          { head: t("column.source"), cell: (row) => `${row.source} · ${row.entity}` },
          { head: t("quarantine.waiting"), number: true, cell: (row) => h("span", { class: row.waiting ? "strong" : "quiet" }, count(row.waiting)) },
          { head: t("quarantine.refused"), number: true, cell: (row) => count(row.refused) },
          { head: t("quarantine.last"), cell: (row) => h("span", { title: moment(row.last_seen_at) }, ago(row.last_seen_at)) },
        ],
      }), (all) => !all.rules?.length, "quarantine.none"),
  );
}

/** @param {any} some */
function batches(some) {
  return card(
    t("batches.title"),
    { note: t("batches.note"), classes: "flush" },
    part(some, (all) =>
      table({
        caption: t("batches.title"),
        rows: all.rows,
        limit: 12,
        columns: [
          { head: t("column.source"), name: true, cell: (row) => [`${row.source} · ${row.entity}`, h("span.note", {}, h("br"), day(row.business_date))] },
          { head: t("column.state"), cell: (row) => state(row.state, pick(row.state_label, row.state)) },
          { head: t("batches.extracted"), number: true, cell: (row) => count(row.extracted) },
          { head: t("batches.valid"), number: true, cell: (row) => count(row.valid) },
          { head: t("batches.quarantined"), number: true, cell: (row) => count(row.quarantined) },
          { head: t("batches.duplicate"), number: true, cell: (row) => count(row.duplicate) },
          { head: t("batches.balance"), cell: (row) => (row.balanced === null || row.balanced === undefined ? "" : state(row.balanced ? "ok" : "breach", t(row.balanced ? "batches.balanced" : "batches.unbalanced"), { bare: true })) },
        ],
      }), (all) => !all.rows?.length),
  );
}

/** @param {any} runs */
function runs(runs) {
  return card(
    t("runs.title"),
    { note: t("runs.note"), classes: "flush" },
    part(runs, (some) =>
      table({
        caption: t("runs.title"),
        rows: some.dags,
        columns: [
          { head: t("column.dag"), name: true, cell: (row) => dagLink(row.dag_id, pick(row.label, row.dag_id)) },
          { head: t("runs.last"), cell: (row) => lastRun(row.days) },
          { head: t("runs.took"), number: true, cell: (row) => duration(row.days?.at(-1)?.seconds) },
          { head: t("runs.median"), number: true, cell: (row) => duration(row.median_seconds) },
          { head: t("runs.days"), classes: "effect", cell: (row) => spark((row.days ?? []).map((/** @type {any} */ one) => one.seconds), t("runs.spark", { n: row.days?.length ?? 0, n_text: number(row.days?.length ?? 0) })) },
          { head: t("runs.tries"), number: true, cell: (row) => number(row.days?.at(-1)?.tries) },
        ],
      }), (some) => !some.dags?.length),
  );
}

/** @param {any[]} days */
function lastRun(days) {
  const last = days?.at(-1);
  return last ? [state(last.state, t(`run.${last.state}`)), h("span.note", {}, " ", day(last.business_date))] : "";
}

/** @param {any} feeds */
function feeds(feeds) {
  return card(
    t("feeds.title"),
    { note: t("feeds.note"), classes: "flush" },
    part(feeds, (some) => [
      (some.consent ?? []).length ? h("div.pad.chips", {}, some.consent.map((/** @type {any} */ one) => state(one.is_silent ? "breach" : "ok", t(one.is_silent ? "feeds.silent" : "feeds.alive", { feed: one.feed, when: ago(one.heartbeat_at) })))) : null,
      table({
        caption: t("feeds.title"),
        rows: some.rows ?? [],
        limit: 15,
        columns: [
          { head: t("column.source"), name: true, cell: (row) => `${row.source} · ${row.entity}` },
          { head: t("column.date"), cell: (row) => day(row.business_date) },
          { head: t("column.state"), cell: (row) => state(row.days_behind ? "late" : "fresh", row.days_behind ? t("behind", { n: row.days_behind, n_text: number(row.days_behind) }) : t("fresh.fresh")) },
        ],
      }),
    ], (some) => !some.rows?.length && !some.consent?.length),
  );
}

