// @ts-check
/** Complaints over the clock, what causes them, and the groups that fall behind in the weekly review. */

import { card, facts, head, notice, part, pick, section, shown, state, switched, table } from "../components.js";
import { h } from "../dom.js";
import { ago, day, moment, money, number, quantity } from "../format.js";
import { t } from "../i18n.js";
import { to } from "../router.js";
import { clockTable } from "./overview.js";

/** @param {import("./index.js").Ask} ask */
export const load = ({ get }) => get("complaints");

/** @param {any} data */
export function show(data) {
  const over = data.clock?.over_clock;
  return h(
    "div",
    {},
    head(t("service.title"), { lead: t("service.lead"), aside: data.clock?.checked_at ? h("span.note", { title: moment(data.clock.checked_at) }, t("checked", { when: ago(data.clock.checked_at) })) : null }),
    card(
      t("clock.title"),
      { note: t("clock.note"), aside: typeof over === "number" ? state(over ? "breach" : "ok", over ? t("clock.count", { n: over, n_text: number(over) }) : t("clock.none")) : null },
      part(data.clock, (clock) => [
        clock.over_clock ? facts([[t("clock.over"), h("span.big", {}, number(clock.over_clock))], [t("clock.oldest"), ago(clock.oldest_due_at), moment(clock.oldest_due_at)]]) : null,
        clock.by_team?.length ? h("div.after", {}, clockTable(clock.by_team)) : h("p.soft", {}, t("clock.quiet")),
      ]),
    ),
    review(data.review),
    causes(data.causes),
  );
}

/** @param {any} review */
function review(review) {
  return section(
    t("review.title"),
    t("review.note"),
    h(
      "div.card.flush",
      {},
      part(
        review,
        (some) =>
          some.rows.length
            ? table({
                caption: t("review.title"),
                rows: some.rows,
                limit: 15,
                columns: [
                  { head: t("column.group"), name: true, cell: (row) => [h("span", {}, pick(row.member_label, row.member)), h("span.note", {}, h("br"), pick(row.dimension_label, row.dimension))] },
                  { head: t("column.kpi"), cell: (row) => pick(row.label, row.kpi) },
                  { head: t("review.value"), number: true, cell: (row) => h("span.strong", {}, quantity(row.value, row.unit)) },
                  { head: t("review.others"), number: true, cell: (row) => quantity(row.others, row.unit) },
                  { head: t("review.before"), number: true, cell: (row) => quantity(row.before, row.unit) },
                  { head: t("review.finding"), cell: (row) => h("span.chips", {}, row.is_behind ? state(null, t("review.behind"), { as: "warn" }) : null, row.is_falling ? state(null, t("review.falling"), { as: "bad" }) : null) },
                  { head: t("review.advice"), whole: true, classes: "wrap", cell: (row) => [pick(row.advice_label, row.advice), row.plays?.length ? h("span.note", {}, h("br"), t("review.plays"), ...row.plays.flatMap((/** @type {any} */ play, /** @type {number} */ i) => [i ? ", " : "", h("a", { href: to("plays", [play.play]) }, pick(play.label, play.play))])) : null] },
                ],
              })
            : h("div.pad", {}, notice("ok", t("review.none"))),
        () => false,
      ),
    ),
  );
}

/** @param {any} causes */
function causes(causes) {
  return section(
    t("causes.title"),
    causes?.week_start ? t(causes.is_complete ? "causes.week" : "causes.week_to_date", { date: day(causes.week_start, "long") }) : null,
    h(
      "div.card",
      {},
      part(
        causes,
        (some) => {
          const { control, body } = switched({
            label: t("causes.by"),
            value: some.dimensions[0].dimension,
            options: some.dimensions.map((/** @type {any} */ one) => ({ value: one.dimension, word: pick(one.label, one.dimension) })),
            draw: (name) => {
              const one = some.dimensions.find((/** @type {any} */ each) => each.dimension === name);
              const hidden = one.rows.filter((/** @type {any} */ row) => row.is_suppressed).length;
              const rows = one.rows.filter((/** @type {any} */ row) => !row.is_suppressed);
              const found = table({
                caption: `${t("causes.title")}: ${pick(one.label)}`,
                rows,
                limit: 12,
                columns: [
                  { head: pick(one.label, name), name: true, cell: (row) => pick(row.member_label, row.member) },
                  { head: t("causes.cause"), cell: (row) => row.root_cause === "all" ? t("causes.all") : pick(row.root_cause_label, row.root_cause ?? t("causes.unknown")) },
                  { head: t("causes.complaints"), number: true, cell: (row) => shown(row.complaints, "count", row.is_suppressed) },
                  { head: t("causes.before"), number: true, cell: (row) => shown(row.complaints_before, "count", row.is_suppressed) },
                  { head: t("causes.severe"), number: true, cell: (row) => shown(row.severe, "count", row.is_suppressed) },
                  { head: t("causes.late"), number: true, cell: (row) => shown(row.late, "count", row.is_suppressed) },
                  { head: t("causes.hours"), number: true, cell: (row) => (row.median_hours_to_resolve === null ? "–" : t("unit.hours", { n: row.median_hours_to_resolve, n_text: number(row.median_hours_to_resolve, 1) })) },
                  { head: t("causes.compensation"), number: true, cell: (row) => (row.is_suppressed ? t("hidden.word") : money(row.compensation_minor)) },
                ],
              });
              return h("div.stack", {}, rows.length ? found : null, hidden ? h("p.note", {}, t("causes.hidden", { n: hidden, n_text: number(hidden) })) : null);
            },
          });
          return h("div.stack", {}, some.dimensions.length > 1 ? control : null, body);
        },
        (some) => !some.dimensions?.length,
      ),
    ),
  );
}
