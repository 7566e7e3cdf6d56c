// @ts-check
/** What all plays together bring, against the people whom no promotion reaches; where the money goes, and which plays lost some. */

import { card, facts, part, pick, table } from "../components.js";
import { interval, scaleOf } from "../charts/small.js";
import { h } from "../dom.js";
import { count, day, delta, money, number, percent } from "../format.js";
import { t } from "../i18n.js";
import { to } from "../router.js";
import { effectState, effectTone, isSure, range } from "./plays.js";

/** @param {any} data */
export function programme(data) {
  return h("div.grid", {}, h("div.w8.stack", {}, effect(data.effect), changes(data.budget_changes)), h("div.w4", {}, spend(data.spend)));
}

/** The days that count. @param {any} row */
const span = (row) => (row.from && row.to ? `${day(row.from)} – ${day(row.to)}` : t("programme.since", { date: day(row.from ?? row.window_start), n: row.window_days ?? 0, n_text: number(row.window_days) }));

/** @param {any} effect */
function effect(effect) {
  return card(
    t("programme.title"),
    { note: t("programme.note") },
    part(effect, (some) => {
      const rows = some.rows.filter((/** @type {any} */ row) => row.service_tier === "all" && row.unit === "money_minor");
      const shown = rows.length ? rows : some.rows.filter((/** @type {any} */ row) => row.service_tier === "all");
      const scale = scaleOf(shown.flatMap((/** @type {any} */ row) => [row.lower_any_95, row.upper_any_95]));
      const told = shown.find((/** @type {any} */ row) => row.sentence)?.sentence;
      return [told ? h("p.soft.before", {}, pick(told)) : null, table({
        caption: t("programme.title"),
        rows: shown,
        columns: [
          { head: t("column.period"), name: true, cell: (row) => [pick(row.label, row.period), h("span.note", {}, h("br"), span(row))] },
          { head: t("programme.each"), number: true, cell: (row) => [delta(row.difference, row.unit), h("span.note.range", {}, h("br"), row.lower_any_95 === null ? "" : range(row, row.unit))] },
          {
            head: t("column.effect"),
            classes: "effect",
            cell: (row) => interval({ at: row.difference, low: row.lower_any_95, high: row.upper_any_95, tone: effectTone(row.verdict), sure: isSure(row.verdict), scale, describe: t("effect.describe", { text: `${delta(row.difference, row.unit)} (${delta(row.lower_any_95, row.unit)} … ${delta(row.upper_any_95, row.unit)})` }) }),
          },
          { head: t("programme.net"), number: true, cell: (row) => [h("span.strong", {}, money(row.net_minor)), h("span.note", {}, h("br"), t("programme.cost", { cost: money(row.cost_minor) }))] },
          { head: t("column.verdict"), cell: (row) => effectState(row.verdict, row.verdict_label) },
        ],
      })];
    }, (some) => !some.rows?.length),
  );
}

/** @param {any} spend */
function spend(spend) {
  return card(
    t("spend.title"),
    { note: t("spend.note") },
    part(spend, (some) =>
      facts([
        [t("spend.chosen"), count(some.chosen), t("spend.contenders", { n: some.contenders ?? 0, n_text: count(some.contenders) })],
        [t("spend.value"), money(some.value_minor), t("spend.net", { net: money(some.net_minor) })],
        [t("spend.cost"), money(some.cost_minor)],
        [t("spend.split"), percent(some.actual_share_30d ?? some.actual_share, 0), t("spend.meant", { top: percent(some.top_share, 0), share: percent(some.meant_share, 0) })],
      ]),
    ),
  );
}

/** @param {any} some */
function changes(some) {
  if (!some || some.state === "empty" || !some.rows?.length) return null;
  return card(
    t("budget_changes.title"),
    { note: t("budget_changes.note"), classes: "flush" },
    part(some, (all) =>
      table({
        caption: t("budget_changes.title"),
        rows: all.rows,
        limit: 8,
        link: (row) => to("plays", [row.play]),
        columns: [
          { head: t("column.play"), name: true, cell: (row) => pick(row.label, row.play) },
          { head: t("column.date"), cell: (row) => day(row.date) },
          { head: t("budget_changes.factor"), number: true, cell: (row) => `${number(row.old_factor, 2)} → ${number(row.new_factor, 2)}` },
          { head: t("budget_changes.why"), whole: true, classes: "wrap", cell: (row) => pick(row.sentence) },
        ],
      }),
    ),
  );
}
