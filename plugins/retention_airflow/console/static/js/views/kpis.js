// @ts-check
/** One KPI over time and by group, with its definition, and every number that late data moved. */

import { card, change, choice, head, part, pick, shown, table } from "../components.js";
import { lines } from "../charts/drawn.js";
import { bars } from "../charts/small.js";
import { h } from "../dom.js";
import { day, delta, number, quantity } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { to } from "../router.js";

/** @param {import("./index.js").Ask} ask */
export function load({ place, get }) {
  const { query, rest } = place;
  return get("kpis", { kpi: rest[0], dimension: query.get("dimension"), period: query.get("period"), from: query.get("from"), to: query.get("to") });
}

/** @param {any} data @param {import("./index.js").Context} context */
export function show(data, { place, navigate }) {
  const wanted = place.rest[0];
  const kpi = (data.kpis ?? []).find((/** @type {any} */ one) => one.kpi === wanted) ?? data.kpis?.[0];
  const crumb = h("a", { href: to("overview") }, icon("arrow-left"), t("nav.overview"));
  if (!kpi) return h("div", {}, head(t("kpis.title"), { crumb }), h("div.card", {}, part({ state: "empty" }, () => null)));
  const go = (/** @type {Record<string, string>} */ more) => navigate(to("kpis", wanted ? [wanted] : [], { dimension: data.dimension, period: data.period, ...more }));
  const controls = h(
    "div.aside",
    {},
    choice({ label: t("kpis.period"), value: data.period, options: ["day", "month"].map((value) => ({ value, word: t(`kpis.${value}`) })), choose: (period) => go({ period }) }),
    (data.dimensions ?? []).length > 1
      ? h(
          "span.field",
          {},
          h(
            "select",
            { "aria-label": t("kpis.by"), onchange: (/** @type {Event} */ event) => go({ dimension: /** @type {HTMLSelectElement} */ (event.target).value }) },
            data.dimensions.map((/** @type {any} */ one) => h("option", { value: one.dimension, selected: one.dimension === data.dimension }, pick(one.label))),
          ),
        )
      : null,
  );
  const title = wanted ? pick(kpi.label) : t("kpis.title");
  const lead = wanted ? pick({ en: kpi.formula, zh: kpi.formula_zh }) : t("kpis.lead");
  return h("div", {}, head(title, { crumb, lead, aside: controls }), wanted ? one(kpi, data) : h("div.stack", {}, data.kpis.map((/** @type {any} */ each) => one(each, data))), restated(data));
}

/** @param {any} kpi @param {any} data */
function one(kpi, data) {
  const all = (kpi.members ?? []).filter((/** @type {any} */ member) => member.points?.length);
  if (!all.length) return h("div.card", {}, part({ state: "empty" }, () => null));
  const last = (/** @type {any} */ member) => member.points.at(-1);
  const members = [...all].sort((a, b) => (last(b).customers ?? 0) - (last(a).customers ?? 0));
  const drawn = members.slice(0, 6);
  const dates = [...new Set(members.flatMap((member) => member.points.map((/** @type {any} */ point) => point.date)))].sort();
  const style = data.period === "month" ? "month" : "short";
  const at = (/** @type {any} */ member) => new Map(member.points.map((/** @type {any} */ point) => [point.date, point]));
  const name = pick(kpi.label);
  const measured = dates.filter((date) => members.some((member) => typeof at(member).get(date)?.value === "number")).length;
  const restated = members.flatMap((member) => member.points.filter((/** @type {any} */ point) => point.is_restated));
  return h(
    "div.grid",
    {},
    card(
      t("kpis.over_time", { name }),
      { classes: members.length > 1 ? "w8" : "", note: members.length > drawn.length ? t("kpis.largest", { n: drawn.length, n_text: number(drawn.length), all: number(members.length) }) : restated.length ? t("kpis.restated_note", { n: restated.length, n_text: number(restated.length) }) : null },
      measured < 2
        ? alone(members.length === 1 ? last(members[0]) : null, kpi, measured)
        : lines({
            describe: t("kpis.describe", { name, from: day(dates[0], style), until: day(dates.at(-1), style) }),
            size: "tall",
            labels: dates.map((date) => day(date, style)),
            format: (value) => quantity(value, kpi.unit),
            series: drawn.length === 1 && data.period === "day" ? smoothed(drawn[0], dates, at) : drawn.map((member) => ({ name: pick(member.label, member.member), values: valuesOf(at(member), dates) })),
          }),
    ),
    members.length > 1
      ? card(
          t("kpis.now", { date: day(dates.at(-1), style) }),
          { classes: "w4" },
          bars({
            label: t("kpis.now", { date: day(dates.at(-1), style) }),
            items: members.map((member) => {
              const point = last(member);
              return { name: pick(member.label, member.member), value: point.value, text: shown(point.value, kpi.unit, point.is_suppressed), note: change(point.value !== null && member.points.length > 1 && member.points.at(-2).value !== null ? point.value - member.points.at(-2).value : null, kpi.unit, kpi.better) };
            }),
          }),
        )
      : null,
  );
}

/** One day makes no line: its number, and when there will be one. @param {any} point @param {any} kpi @param {number} measured */
function alone(point, kpi, measured) {
  return h("div.stack", {}, point ? h("span.big", {}, shown(point.value, kpi.unit, point.is_suppressed)) : null, h("p.note", {}, t(measured ? "kpis.one_day" : "kpis.nothing")));
}

/** @param {Map<string, any>} points @param {string[]} dates @returns {(number | null)[]} */
const valuesOf = (points, dates) => dates.map((date) => points.get(date)?.value ?? null);

/** A week has its rhythm: the mean of seven days shows where things go, the days themselves stay behind it. @param {any} member @param {string[]} dates @param {(member: any) => Map<string, any>} at */
function smoothed(member, dates, at) {
  const values = valuesOf(at(member), dates);
  const means = values.map((_, index) => {
    const week = values.slice(Math.max(0, index - 6), index + 1).filter((value) => value !== null);
    return week.length >= 5 ? week.reduce((sum, value) => sum + /** @type {number} */ (value), 0) / week.length : null;
  });
  return [
    { name: t("kpis.mean"), values: means, style: 0 },
    { name: t("kpis.each_day"), values, style: 5, soft: true },
  ];
}

/** @param {any} data */
function restated(data) {
  const rows = data.restated ?? [];
  if (!rows.length) return null;
  return h(
    "div.section",
    {},
    card(
      t("kpis.restated"),
      { note: t("kpis.restated_why"), classes: "flush" },
      table({
        caption: t("kpis.restated"),
        rows,
        limit: 12,
        columns: [
          { head: t("column.date"), name: true, cell: (row) => day(row.date) },
          { head: t("column.kpi"), cell: (row) => pick(row.label) },
          { head: t("column.group"), cell: (row) => pick(row.member_label, row.member === "all" ? t("everybody") : row.member) },
          { head: t("kpis.first"), number: true, cell: (row) => quantity(row.first_value, row.unit ?? unitOf(data, row.kpi)) },
          { head: t("kpis.today"), number: true, cell: (row) => quantity(row.value, row.unit ?? unitOf(data, row.kpi)) },
          { head: t("kpis.moved"), number: true, cell: (row) => delta(row.change, row.unit ?? unitOf(data, row.kpi)) },
          { head: t("kpis.restated_at"), cell: (row) => day(row.restated_at) },
        ],
      }),
    ),
  );
}

/** @param {any} data @param {string} name */
const unitOf = (data, name) => data.kpis?.find((/** @type {any} */ kpi) => kpi.kpi === name)?.unit ?? "text";

