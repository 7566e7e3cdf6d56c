// @ts-check
/** Plays: who gets them, who does not and why, what they bring. One list, and one page per play. */

import { ApiError } from "../api.js";
import { card, change, facts, head, notice, part, pick, section, shown, state, switched, table } from "../components.js";
import { lines } from "../charts/drawn.js";
import { bars, funnel, interval, scaleOf, split } from "../charts/small.js";
import { h } from "../dom.js";
import { count, day, delta, money, number, percent, quantity } from "../format.js";
import { has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { to } from "../router.js";
import { programme } from "./programme.js";

/** @param {import("./index.js").Ask} ask */
export async function load({ place, get }) {
  if (place.rest.length) return get(`plays/${encodeURIComponent(place.rest[0])}`);
  const [answer, whole] = await Promise.all([get("plays"), get("programme").catch(forgiven)]);
  return { ...answer, data: { ...answer.data, programme: whole.data ?? whole } };
}

/** The list stands without the programme. @param {unknown} error */
function forgiven(error) {
  if (error instanceof ApiError) return { data: { effect: error.trouble, budget_changes: error.trouble } };
  throw error;
}

/** @param {any} data @param {import("./index.js").Context} context */
export const show = (data, { place }) => (place.rest.length ? onePlay(data) : allPlays(data));

const GOOD = ["positive", "works", "pays"];
const HARMFUL = ["negative", "harmful", "does_not_pay"];

/** Whether an effect was found at all, be it good or bad. @param {string | null | undefined} verdict */
export const isSure = (verdict) => effectTone(verdict) !== "idle";

/** How sure an effect is, in tone. @param {string | null | undefined} verdict @returns {"ok" | "bad" | "idle"} */
export const effectTone = (verdict) => (GOOD.includes(verdict ?? "") ? "ok" : HARMFUL.includes(verdict ?? "") ? "bad" : "idle");

/** @param {string | null | undefined} verdict @param {any} label */
export const effectState = (verdict, label) => state(verdict, pick(label, t("effect.not_measured")), { as: verdict === "not_to_be_trusted" ? "warn" : effectTone(verdict) });

/** @param {any} effect @param {[number, number]} scale */
export function effectCell(effect, scale) {
  if (!effect || effect.is_suppressed || effect.difference === null) return h("span.quiet.small", {}, effect?.is_suppressed ? t("hidden.word") : t("effect.not_measured"));
  const unit = effect.unit;
  const text = `${delta(effect.difference, unit)} (${delta(effect.lower, unit)} … ${delta(effect.upper, unit)})`;
  return interval({ at: effect.difference, low: effect.lower, high: effect.upper, tone: effectTone(effect.verdict), sure: isSure(effect.verdict), scale, describe: t("effect.describe", { text }) });
}

/** @param {any} data */
function allPlays(data) {
  const plays = data.plays ?? [];
  const scale = scaleOf(plays.flatMap((/** @type {any} */ play) => (play.effect?.unit === "money_minor" ? [play.effect.lower, play.effect.upper] : [])));
  const rows = [...plays].sort((a, b) => (b.members ?? 0) - (a.members ?? 0));
  return h(
    "div",
    {},
    head(t("plays.title"), { lead: t("plays.lead", { date: day(data.as_of_date, "long") }) }),
    programme(data.programme ?? {}),
    section(
      t("plays.all"),
      t("plays.effect_note"),
      h(
        "div.card.flush",
        {},
        rows.length
          ? table({
              caption: t("plays.all"),
              rows,
              link: (row) => to("plays", [row.play]),
              columns: [
                { head: t("column.play"), name: true, cell: (row) => [h("span", {}, pick(row.label, row.play)), h("span.note", {}, h("br"), pick(row.kind_label, row.kind))] },
                { head: t("column.audience"), number: true, cell: (row) => [count(row.members), row.days_behind ? h("span.note", {}, h("br"), t("behind", { n: row.days_behind, n_text: number(row.days_behind) })) : null] },
                { head: t("column.since_last"), number: true, cell: (row) => (row.added || row.removed ? `+${count(row.added)} / −${count(row.removed)}` : "0") },
                { head: t("column.excluded"), number: true, cell: (row) => count(row.planned?.excluded) },
                { head: t("column.effect"), classes: "effect", cell: (row) => effectCell(row.effect, scale) },
                { head: t("column.verdict"), cell: (row) => effectState(row.effect?.verdict, row.effect?.verdict_label) },
                { head: t("column.control"), cell: (row) => controlState(row.control) },
              ],
            })
          : part({ state: "empty" }, () => null),
      ),
    ),
    h("div.grid.even.section", {}, h("div.w6", {}, exclusions(data.exclusions ?? [])), h("div.w6", {}, budgets(data.budgets ?? []))),
  );
}

/** @param {any} control */
function controlState(control) {
  if (!control) return h("span.quiet.small", {}, t("effect.not_measured"));
  const worst = control.balance === "imbalanced" || control.contamination === "contaminated" ? "bad" : control.contamination === "traces" ? "warn" : control.balance === "balanced" ? "ok" : "idle";
  return h("span", { title: pick(control.advice) }, state(null, t(`control.${worst}`), { as: worst, bare: true }));
}

/** @param {any[]} all */
function exclusions(all) {
  const rules = all.filter((rule) => rule.customers);
  return card(
    t("exclusions.title"),
    { note: t("exclusions.note") },
    rules.length ? bars({ label: t("exclusions.title"), items: rules.map((rule) => ({ name: pick(rule.label, rule.rule), value: rule.customers, text: count(rule.customers), tone: 6 })) }) : h("p.quiet", {}, t("why.none")),
  );
}

/** @param {any[]} budgets */
function budgets(budgets) {
  return card(
    t("budgets.title"),
    { note: t("budgets.note") },
    budgets.length
      ? bars({ most: 1, label: t("budgets.title"), items: budgets.map((one) => ({ name: pick(one.label, `${one.kind} ${one.applies_to ?? ""}`), value: one.used_share, text: percent(one.used_share, 0), note: t("budgets.of", { used: quantity(one.used, one.unit), most: quantity(one.most, one.unit) }), tone: one.used_share >= 0.999 ? 2 : 1 })) })
      : h("p.quiet", {}, t("budgets.none")),
  );
}

/** @param {any} play */
function onePlay(play) {
  return h(
    "div",
    {},
    head(pick(play.label, play.play), {
      crumb: h("a", { href: to("plays") }, icon("arrow-left"), t("plays.title")),
      lead: [pick(play.kind_label, play.kind), play.purpose_label ? ` · ${pick(play.purpose_label)}` : "", ` · ${period(play.period)}`, ` · ${t("plays.held_back", { share: percent(play.holdout_share, 0) })}`].join(""),
    }),
    h("div.grid", {}, h("div.w7.stack", {}, audience(play.audience), results(play.results)), h("div.w5.stack", {}, planned(play.planned), why(play.exclusions), control(play.control))),
    h("div.grid.even.section", {}, h("div.w6", {}, funnelOf(play.funnel)), h("div.w6", {}, allocation(play.allocation))),
  );
}

/** The ends of an interval. @param {any} row @param {string} unit */
export const range = (row, unit) => `${delta(row.lower_any_95, unit)} … ${delta(row.upper_any_95, unit)}`;

/** How often somebody gets a play at most. @param {string} name */
function period(name) {
  const days = Number(/^days:(\d+)$/.exec(name ?? "")?.[1]);
  return days ? t("period.days", { n: days, n_text: number(days) }) : has(`period.${name}`) ? t(`period.${name}`) : name;
}

/** @param {any} audience */
function audience(audience) {
  return card(
    t("audience.title"),
    { aside: audience?.audience_date ? state(audience.days_behind ? "late" : "fresh", audience.days_behind ? t("behind", { n: audience.days_behind, n_text: number(audience.days_behind) }) : t("fresh.fresh")) : null },
    part(audience, (a) => {
      const changes = a.changes ?? [];
      return h(
        "div.stack",
        {},
        facts([
          [t("audience.members"), h("span.big", {}, count(a.members))],
          [t("audience.sendable"), count(a.sendable_members), t("audience.sendable_note")],
          [t("audience.change"), `+${count(a.added)} / −${count(a.removed)}`, t("pushes.updated", { n: a.updated ?? 0, n_text: count(a.updated) })],
        ]),
        changes.length > 1
          ? lines({ describe: t("audience.over_time"), size: "low", labels: changes.map((/** @type {any} */ one) => day(one.date)), format: (value) => count(value), series: [{ name: t("audience.members"), values: changes.map((/** @type {any} */ one) => one.members) }] })
          : null,
      );
    }),
  );
}

/** @param {any} planned */
function planned(planned) {
  return card(
    t("planned.title"),
    { note: t("planned.note") },
    part(planned, (some) => {
      const [last, before] = [some.days.at(-1), some.days.at(-2)];
      const item = (/** @type {string} */ key) => ({ name: t(`planned.${key}`), value: last[key] ?? 0, text: [count(last[key]), " ", change(before ? last[key] - before[key] : null, "count", null, before ? t("against", { date: day(before.date) }) : "")] });
      return h("div.stack", {}, split(["selected", "control", "excluded"].map(item), t("planned.title")), h("p.note", {}, t("planned.rest", { n: last.not_in_audience ?? 0, n_text: count(last.not_in_audience), all: count(last.population), date: day(last.date) })));
    }, (some) => !some.days?.length),
  );
}

/** The rules that kept somebody out; who the play is not for is said beside the plan. @param {any} some @returns {any[]} */
const kept = (some) => (some.rules ?? []).filter((/** @type {any} */ rule) => rule.first && rule.rule !== "not_in_audience");

/** @param {any} exclusions */
function why(exclusions) {
  return card(
    t("why.title"),
    { note: t("why.note") },
    part(exclusions, (some) =>
      bars({
        label: t("why.title"),
        items: kept(some).sort((a, b) => (b.first ?? 0) - (a.first ?? 0)).map((/** @type {any} */ rule) => ({
          name: [pick(rule.label, rule.rule), rule.any > rule.first ? h("span.note", {}, ` ${t("why.any", { n: rule.any, n_text: count(rule.any) })}`) : null],
          value: rule.first,
          text: count(rule.first),
          note: change(typeof rule.first_before === "number" ? rule.first - rule.first_before : null, "count", null),
          tone: 6,
        })),
      }), (some) => !kept(some).length, "why.none"),
  );
}

/** @param {any} results */
function results(results) {
  return card(
    t("results.title"),
    { note: t("results.note") },
    part(results, (some) => {
      const outcomes = [...new Map(some.rows.map((/** @type {any} */ row) => [row.outcome, row])).values()];
      const { control, body } = switched({
        label: t("results.outcome"),
        value: outcomes[0].outcome,
        options: outcomes.map((row) => ({ value: row.outcome, word: pick(row.outcome_label, row.outcome) })),
        draw: (outcome) => outcomeOf(some.rows.filter((/** @type {any} */ row) => row.outcome === outcome), (some.history ?? []).filter((/** @type {any} */ row) => row.outcome === outcome)),
      });
      return h("div.stack", {}, outcomes.length > 1 ? control : null, body);
    }, (some) => !some.rows?.length, "results.none"),
  );
}

/** @param {number | null} some */
const people = (some) => (some === null || some === undefined ? null : h("span.note", {}, h("br"), t("people", { n: some, n_text: count(some) })));

/** @param {any[]} rows @param {any[]} history */
function outcomeOf(rows, history) {
  const unit = rows[0].unit;
  const scale = scaleOf(rows.flatMap((row) => [row.lower_any_95, row.upper_any_95]));
  const whole = rows.find((row) => row.service_tier === "all");
  return h(
    "div.stack",
    {},
    whole && whole.verdict ? verdictSentence(whole) : null,
    table({
      caption: t("results.title"),
      rows: [...rows].sort((a, b) => Number(b.service_tier === "all") - Number(a.service_tier === "all")),
      columns: [
        { head: t("column.tier"), name: true, cell: (row) => pick(row.label, row.service_tier) },
        { head: t("results.treated"), number: true, cell: (row) => [shown(row.treated_mean, unit, row.is_suppressed), people(row.treated_customers)] },
        { head: t("results.control"), number: true, cell: (row) => [shown(row.control_mean, unit, row.is_suppressed), people(row.control_customers)] },
        { head: t("column.effect"), classes: "effect", cell: (row) => effectCell({ ...row, lower: row.lower_any_95, upper: row.upper_any_95 }, scale) },
        { head: t("results.interval"), number: true, cell: (row) => (row.difference === null ? "" : [h("span.strong", {}, delta(row.difference, unit)), row.lower_any_95 === null ? null : h("span.note.range", {}, h("br"), range(row, unit))]) },
      ],
    }),
    history.length > 1
      ? lines({
          describe: t("results.history"),
          size: "low",
          labels: history.map((row) => day(row.date)),
          format: (value) => (value === null ? "–" : delta(value, unit)),
          zero: true,
          series: [{ name: t("column.effect"), values: history.map((row) => row.difference), low: history.map((row) => row.lower_any_95), high: history.map((row) => row.upper_any_95) }],
        })
      : null,
  );
}

/** @param {any} row */
function verdictSentence(row) {
  const which = effectTone(row.verdict);
  const found = row.difference === null ? null : t("results.found", { effect: delta(row.difference, row.unit), low: delta(row.lower_any_95, row.unit), high: delta(row.upper_any_95, row.unit), days: number(row.outcome_days) });
  const small = row.verdict === "no_effect_seen" && row.detectable !== null ? t("results.detectable", { effect: quantity(row.detectable, row.unit) }) : null;
  return notice(which, pick(row.verdict_label, row.verdict), h("p.soft", {}, [found, small].filter(Boolean).join(" ")));
}

/** @param {any} some */
function funnelOf(some) {
  const steps = ["handed_out", "sent", "delivered", "opened", "clicked", "converted", "bought"];
  return card(
    t("funnel.title"),
    { note: t("funnel.note") },
    part(some, (all) => {
      const months = [...all.months].sort((a, b) => String(b.month).localeCompare(a.month)).slice(0, 6);
      const { control, body } = switched({
        label: t("funnel.month"),
        value: months[0].month,
        options: months.map((one) => ({ value: one.month, word: day(one.month, "month") })),
        draw: (month) => {
          const one = months.find((each) => each.month === month);
          return h("div.stack", {}, funnel(steps.map((step) => ({ name: t(`funnel.${step}`), value: one[step], text: one[step] === null ? t("hidden.word") : [count(one[step]), one.handed_out && step !== "handed_out" ? h("span.note", {}, ` ${percent(one[step] / one.handed_out, 0)}`) : null] })), t("funnel.title")), facts([[t("funnel.cost"), money(one.cost_minor)], [t("funnel.unsubscribed"), shown(one.unsubscribed, "count")], [t("funnel.held_back"), shown(one.held_back, "count")]]));
        },
      });
      return h("div.stack", {}, months.length > 1 ? control : null, body);
    }, (all) => !all.months?.length),
  );
}

/** @param {any} some */
function control(some) {
  return card(
    t("control.title"),
    { note: t("control.note") },
    part(some, (all) =>
      h("div.stack", {}, (all.rows.find((/** @type {any} */ row) => row.service_tier === "all") ? [all.rows.find((/** @type {any} */ row) => row.service_tier === "all")] : all.rows.slice(0, 1)).map((/** @type {any} */ row) => [
        h("p.row", {}, state(row.balance, t(`control.${row.balance}`)), row.contamination ? state(row.contamination, t(`control.${row.contamination}`)) : null),
        h("p.soft", {}, pick(row.advice)),
        facts([[t("control.size"), shown(row.control_customers, "count", row.control_customers === null)], [t("control.share"), percent(row.observed_share), t("control.expected", { share: percent(row.expected_share) })], [t("control.contacted"), row.contaminated_share === null ? t("effect.not_measured") : percent(row.contaminated_share)]]),
      ])), (all) => !all.rows?.length),
  );
}

/** @param {any} some */
function allocation(some) {
  return card(
    t("allocation.title"),
    { note: t("allocation.note") },
    part(some, (all) => {
      const last = [...all.rows].sort((a, b) => String(a.as_of_date).localeCompare(b.as_of_date)).at(-1);
      const parts = ["chosen", "beaten", "over_budget", "channel_full", "do_not_disturb", "not_worth_its_cost"].filter((key) => last[key]);
      return h("div.stack", {}, bars({ label: t("allocation.title"), items: parts.map((key, index) => ({ name: t(`allocation.${key}`), value: last[key], text: count(last[key]), tone: index ? 6 : 1 })) }), facts([[t("allocation.value"), money(last.value_minor)], [t("allocation.cost"), money(last.cost_minor)]]));
    }, (all) => !all.rows?.some((/** @type {any} */ row) => row.contenders), "allocation.none"),
  );
}

