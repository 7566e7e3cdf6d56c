// @ts-check
/** Whether the models keep their word: a verdict each, what was said against what came, lift, drift, champion and challengers. */

import { card, facts, head, mark, part, pick, prose, state, table } from "../components.js";
import { columns, diagonal, lines } from "../charts/drawn.js";
import { bars } from "../charts/small.js";
import { h } from "../dom.js";
import { count, day, number, percent, quantity, NONE } from "../format.js";
import { t } from "../i18n.js";
import { to } from "../router.js";

/** @param {import("./index.js").Ask} ask */
export const load = ({ get }) => get("models");

/** @param {any} data @param {import("./index.js").Context} context */
export function show(data, { place }) {
  const models = data.models ?? [];
  const chosen = models.find((/** @type {any} */ model) => model.kind === place.rest[0]) ?? models[0];
  return h(
    "div",
    {},
    head(t("models.title"), { lead: t("models.lead") }),
    models.length ? h("div.kpis", {}, models.map((/** @type {any} */ model) => verdictCard(model, model === chosen))) : h("div.card", {}, part({ state: "empty" }, () => null)),
    chosen ? one(chosen) : null,
  );
}

/** @param {any} model @param {boolean} isChosen */
function verdictCard(model, isChosen) {
  return h(
    "a.card.kpi",
    { href: to("models", [model.kind]), class: isChosen ? "chosen" : "", "aria-current": isChosen ? "true" : null },
    h("span.name", {}, pick(model.label, model.kind)),
    h("span.row", {}, state(model.verdict, pick(model.verdict_label, model.verdict))),
    pick(model.sentence) === pick(model.verdict_label) ? null : h("span.note", {}, pick(model.sentence)),
  );
}

/** @param {any} model */
function one(model) {
  const champion = model.champion;
  return h(
    "section.section",
    { "aria-labelledby": "model" },
    h("div.title", {}, h("h2", { id: "model" }, pick(model.label, model.kind)), champion?.definition ? h("p", {}, pick(champion.definition)) : null),
    h("div.grid", {}, h("div.w6.stack", {}, reliability(model), lift(model)), h("div.w6.stack", {}, championCard(model), drift(model))),
    h("div.section", {}, evaluation(model)),
  );
}

/** @param {any} model */
function reliability(model) {
  return card(
    t("reliability.title"),
    { level: 3, note: t("reliability.note") },
    part(model.reliability, (some) => {
      if (some.state_of_labels === "waiting" || !some.buckets?.length)
        return h("div.void", {}, mark("idle"), h("p.what", {}, t("reliability.waiting")), h("p", {}, some.matures_on ? t("reliability.matures", { date: day(some.matures_on, "long"), scored: day(some.scored_as_of, "long") }) : t("reliability.no_date")));
      const points = some.buckets.filter((/** @type {any} */ bucket) => !bucket.is_suppressed && bucket.predicted !== null && bucket.realised !== null);
      const format = (/** @type {number | null} */ value) => quantity(value, some.unit);
      const history = some.history ?? [];
      return h(
        "div.stack",
        {},
        diagonal({ describe: t("reliability.describe", { name: pick(model.label) }), across: t("reliability.predicted"), upwards: t("reliability.realised"), format, points: points.map((/** @type {any} */ bucket) => ({ x: bucket.predicted, y: bucket.realised, size: bucket.customers ?? 0, name: pick(bucket.label, String(bucket.bucket + 1)) })) }),
        h("p.note", {}, t("reliability.read", { error: gap(some.error, some.unit), date: day(some.scored_as_of, "long") })),
        history.length > 1
          ? h("div", {}, h("h4.small.quiet", {}, t("reliability.history")), lines({ describe: t("reliability.history"), size: "low", labels: history.map((/** @type {any} */ row) => day(row.scored_as_of)), format, series: [{ name: t("reliability.predicted"), values: history.map((/** @type {any} */ row) => row.predicted) }, { name: t("reliability.realised"), values: history.map((/** @type {any} */ row) => row.realised) }] }))
          : null,
      );
    }),
  );
}

/** A mean gap: of shares in percentage points. @param {any} error @param {string} unit */
const gap = (error, unit) => (typeof error !== "number" ? NONE : unit === "share" ? t("unit.pp", { value: number(error * 100, 1) }) : quantity(error, unit));

/** @param {any} model */
function championCard(model) {
  const champion = model.champion;
  const challengers = model.challengers ?? [];
  return card(
    t("champion.title"),
    { level: 3, note: t("champion.note") },
    champion
      ? facts([
          [t("champion.version"), h("code", {}, champion.model_version)],
          [t("champion.trained"), day(champion.labels_until ?? champion.as_of_date), t("champion.rows", { n: champion.training_rows ?? 0, n_text: count(champion.training_rows) })],
          [t("champion.promoted"), day(champion.promoted_at)],
          [t("champion.horizon"), quantity(champion.horizon_days, "days")],
        ])
      : h("p.row", {}, mark("warn", "tiny warn"), h("span.grow", {}, prose(t("champion.none")))),
    challengers.length
      ? h("div.after", {}, table({
          caption: t("champion.challengers"),
          plain: true,
          keep: true,
          limit: 4,
          rows: challengers,
          columns: [
            { head: t("champion.challengers"), name: true, cell: (row) => h("code", {}, row.model_version) },
            { head: t("champion.created"), cell: (row) => day(row.created_at) },
            { head: t("champion.decision"), classes: "wrap", cell: (row) => pick(row.decision, NONE) },
          ],
        }))
      : null,
  );
}

/** @param {any} model */
function lift(model) {
  if (!model.lift) return null;
  return card(
    t("lift.title"),
    { level: 3, note: t("lift.note") },
    part(model.lift, (some) =>
      columns({ describe: t("lift.describe", { name: pick(model.label) }), size: "low", first: t("lift.share"), name: t("lift.lift"), line: 1, labels: some.groups.map((/** @type {any} */ group) => percent(group.share, 0)), values: some.groups.map((/** @type {any} */ group) => group.lift), format: (value) => quantity(value, "ratio") }), (some) => !some.groups?.length),
  );
}

/** @param {any} model */
function evaluation(model) {
  const metrics = model.evaluation ?? [];
  const candidates = [...new Map(metrics.flatMap((/** @type {any} */ metric) => metric.candidates).map((/** @type {any} */ one) => [one.candidate, one])).values()];
  return card(
    t("evaluation.title"),
    { level: 3, note: t("evaluation.note"), classes: "flush" },
    metrics.length
      ? table({
          caption: t("evaluation.title"),
          keep: true,
          rows: metrics,
          columns: [
            { head: t("column.measure"), name: true, cell: (row) => [pick(row.label, row.metric), row.better ? h("span.note", {}, h("br"), t(`evaluation.${row.better}`)) : null] },
            ...candidates.map((candidate) => ({
              head: pick(candidate.label, candidate.candidate),
              number: true,
              cell: (/** @type {any} */ row) => {
                const one = row.candidates.find((/** @type {any} */ each) => each.candidate === candidate.candidate);
                if (!one) return NONE;
                const best = bestOf(row) === one.candidate;
                return [h("span", { class: best ? "strong" : "" }, number(one.value, 3), best ? h("span.visually-hidden", {}, ` ${t("evaluation.best")}`) : null, best ? " ★" : ""), one.lower === null || one.lower === undefined ? null : h("span.note", {}, h("br"), `${number(one.lower, 3)} – ${number(one.upper, 3)}`)];
              },
            })),
          ],
        })
      : part({ state: "empty" }, () => null),
  );
}

/** @param {any} metric */
function bestOf(metric) {
  if (!metric.better) return null;
  const known = metric.candidates.filter((/** @type {any} */ one) => typeof one.value === "number");
  return known.sort((/** @type {any} */ a, /** @type {any} */ b) => (metric.better === "up" ? b.value - a.value : a.value - b.value))[0]?.candidate ?? null;
}

/** @param {any} model */
function drift(model) {
  return card(
    t("drift.title"),
    { level: 3, note: t("drift.note") },
    part(model.drift, (some) => {
      const inputs = [...some.inputs].sort((a, b) => (b.psi ?? 0) - (a.psi ?? 0));
      const draw = (/** @type {any[]} */ list) => bars({ label: t("drift.title"), most: Math.max(0.3, inputs[0]?.psi ?? 0), items: list.map((input) => ({ name: pick(input.label, input.input.replaceAll("_", " ")), value: input.psi, text: number(input.psi, 3), note: state(input.level, t(`drift.${input.level}`), { bare: true }), tone: input.level === "ok" ? 6 : 2 })) });
      const history = some.history ?? [];
      return h(
        "div.stack",
        {},
        draw(inputs.slice(0, 8)),
        inputs.length > 8 ? h("details", {}, h("summary", {}, t("table.more", { n: inputs.length - 8, n_text: number(inputs.length - 8) })), draw(inputs.slice(8))) : null,
        history.length > 1 ? lines({ describe: t("drift.history"), size: "low", zero: true, labels: history.map((/** @type {any} */ row) => day(row.date)), format: (value) => number(value, 2), series: [{ name: t("drift.worst"), values: history.map((/** @type {any} */ row) => row.worst_psi) }] }) : null,
      );
    }, (some) => !some.inputs?.length),
  );
}

