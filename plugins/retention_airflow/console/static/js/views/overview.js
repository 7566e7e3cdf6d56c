// @ts-check
/** First view: what needs somebody, whether the numbers are fresh, how the business does. One request. */

import { card, change, facts, head, mark, notice, part, pick, prose, section, shown, state, table, tone } from "../components.js";
import { bars, spark } from "../charts/small.js";
import { h } from "../dom.js";
import { ago, count, day, duration, moment, money, number, percent, quantity } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { dagLink } from "../links.js";
import { to } from "../router.js";

/** @param {import("./index.js").Ask} ask */
export const load = ({ get }) => get("overview");

/** @param {any} data @param {import("./index.js").Context} context */
export function show(data, { meta }) {
  return h(
    "div",
    {},
    head(headline(data), { lead: t("overview.lead", { date: day(meta.business_date, "long") }), aside: freshness(data.freshness) }),
    h("div.grid", {}, h("div.w7.stack", {}, attention(data.attention ?? []), pushed(data.pushes)), h("div.w5", {}, stages(data.stages ?? []))),
    groups(data.kpis ?? []),
    h("div.grid.even.section", {}, h("div.w7", {}, risk(data.value_at_risk)), h("div.w5", {}, tiers(data.tiers))),
    h("div.grid.even.after", {}, h("div.w6", {}, clock(data.complaints)), h("div.w6", {}, health(data.health))),
  );
}

/** The day in one sentence. @param {any} data */
function headline(data) {
  const items = data.attention ?? [];
  const urgent = items.filter((/** @type {any} */ item) => item.severity === "high").length;
  if (data.freshness?.state === "never") return t("overview.never");
  if (urgent) return t("overview.urgent", { n: urgent, n_text: number(urgent) });
  if (items.length) return t("overview.some", { n: items.length, n_text: number(items.length) });
  return t("overview.calm");
}

/** @param {any} fresh */
function freshness(fresh) {
  if (!fresh) return null;
  const word = fresh.state === "late" ? t("fresh.late", { n: fresh.days_behind, n_text: number(fresh.days_behind) }) : t(`fresh.${fresh.state}`);
  return state(fresh.state, word);
}

/** @param {any[]} items */
function attention(items) {
  if (!items.length) return notice("ok", t("overview.nothing_waits"), h("p.soft", {}, t("overview.nothing_waits_more")));
  const visible = items.slice(0, 6);
  const draw = (/** @type {any} */ item) => {
    const inner = [
      mark(item.severity === "high" ? "bad" : "warn", "mark"),
      h("span.title", {}, h("span.visually-hidden", {}, `${t(`severity.${item.severity}`)}: `), pick(item.title)),
      h("span.what", {}, prose(pick(item.what_to_do)), item.since ? ` · ${t("since", { when: ago(item.since) })}` : ""),
    ];
    const classes = item.severity === "high" ? "bad" : "warn";
    return h("li", {}, item.link ? h("a", { href: item.link, class: classes }, inner, icon("chevron-right", "go")) : h("div.flat", { class: classes }, inner));
  };
  const rest = items.slice(6);
  return h(
    "section",
    { "aria-label": t("overview.attention") },
    h("ul.attention", {}, visible.map(draw)),
    rest.length ? h("details", {}, h("summary", {}, t("table.more", { n: rest.length, n_text: number(rest.length) })), h("ul.attention", {}, rest.map(draw))) : null,
  );
}

/** KPIs by what they speak of. @param {any[]} kpis */
function groups(kpis) {
  if (!kpis.length) return section(t("overview.kpis"), null, h("div.card", {}, part({ state: "empty" }, () => null)));
  const names = ["money", "loyalty", "satisfaction", "campaign"];
  const others = kpis.filter((one) => !names.includes(one.group));
  return h(
    "div",
    {},
    names
      .map((name) => [name, kpis.filter((one) => one.group === name)])
      .concat(others.length ? [["other", others]] : [])
      .filter(([, some]) => some.length)
      .map(([name, some]) => section(t(`group.${name}`), name === "money" ? t("overview.kpis_note") : null, h("div.kpis", {}, /** @type {any[]} */ (some).map(kpiCard)))),
  );
}

/** @param {any} kpi */
function kpiCard(kpi) {
  // What is known of a date, and not summed over days, is the same for the month: said once.
  const month = kpi.month?.value === kpi.value ? null : kpi.month;
  const trend = (kpi.trend ?? []).map((/** @type {any} */ point) => point.value);
  const known = trend.filter((/** @type {any} */ value) => typeof value === "number");
  const describe = known.length > 1 ? t("overview.spark", { name: pick(kpi.label), n: trend.length, n_text: number(trend.length), low: quantity(Math.min(...known), kpi.unit), high: quantity(Math.max(...known), kpi.unit), last: quantity(known.at(-1), kpi.unit) }) : "";
  return h(
    "a.card.kpi",
    { href: to("kpis", [kpi.kpi]) },
    h("span.name", {}, pick(kpi.label)),
    h("span.figure", {}, h("span.big", {}, shown(kpi.value, kpi.unit, kpi.is_suppressed)), change(kpi.change, kpi.unit, kpi.better, kpi.previous_start ? t("against", { date: day(kpi.previous_start) }) : "")),
    h("span.note", {}, month && month.value !== null ? t(month.is_complete ? "overview.month" : "overview.month_to_date", { month: day(month.period_start, "month"), value: quantity(month.value, kpi.unit) }) : null),
    spark(trend, describe),
  );
}

/** @param {any} risk */
function risk(risk) {
  return card(
    t("risk.title"),
    { note: pick(risk?.formula, "") },
    part(risk, (r) => [
      facts([
        [t("risk.value"), h("span.big", {}, money(r.value_minor))],
        [t("risk.share"), percent(r.share), t("risk.share_note", { value: money(r.clv_12m_minor) })],
        [t("risk.people"), shown(r.at_risk_customers, "count", r.at_risk_customers === null), t("risk.people_note", { n: r.customers, n_text: count(r.customers) })],
      ]),
      h("div.after", {}, bars({ label: t("risk.by_tier"), items: (r.by_tier ?? []).map((/** @type {any} */ tier) => ({ name: pick(tier.label), value: tier.value_minor, text: tier.is_suppressed ? t("hidden.word") : money(tier.value_minor), note: tier.customers === null ? null : t("people", { n: tier.customers, n_text: count(tier.customers) }) })) })),
      (r.trend ?? []).length > 1 ? h("div.after", {}, spark(r.trend.map((/** @type {any} */ p) => p.value_minor), t("risk.trend", { from: money(r.trend[0].value_minor), until: money(r.trend.at(-1).value_minor) }))) : null,
    ]),
  );
}

/** @param {any[]} stages */
function stages(stages) {
  const daily = ["ingest", "features", "score", "segment", "audience", "measure"];
  const draw = (/** @type {any} */ stage) =>
    h(
      "li",
      { class: stage.state === "never" ? "idle" : tone(stage.state) },
      h("span.mark", {}, mark(stage.state === "never" ? "idle" : tone(stage.state))),
      h("p.label", {}, dagLink(stage.dag_id, pick(stage.label))),
      h("p.when", {}, t(`stage.${stage.state}`), stage.ended_at ? h("span", { title: moment(stage.ended_at) }, ` · ${ago(stage.ended_at)}`) : null, typeof stage.seconds === "number" ? ` · ${duration(stage.seconds)}` : null),
      stage.message ? h("p.note", {}, stage.message) : null,
    );
  const chain = stages.filter((stage) => daily.includes(stage.stage));
  const beside = stages.filter((stage) => !daily.includes(stage.stage));
  return card(
    t("stages.title"),
    { note: t("stages.note") },
    stages.length ? h("ol.steps", {}, chain.map(draw)) : part({ state: "empty" }, () => null),
    beside.length ? h("div.after", {}, h("p.small.quiet", {}, t("stages.beside")), h("ul.row.after-small", {}, beside.map((stage) => h("li", {}, state(stage.state, `${pick(stage.label)} · ${t(`stage.${stage.state}`)}`))))) : null,
  );
}

/** @param {any} tiers */
function tiers(tiers) {
  return card(
    t("tiers.title"),
    { aside: h("a.small", { href: to("customers") }, t("more.customers")), note: t("tiers.note") },
    part(tiers, (some) =>
      bars({
        label: t("tiers.title"),
        items: some.members.map((/** @type {any} */ one) => ({
          name: pick(one.label),
          value: one.customers,
          hatched: one.at_risk_customers ?? 0,
          text: one.is_suppressed ? t("hidden.word") : count(one.customers),
          note: one.at_risk_customers ? t("tiers.at_risk", { n: one.at_risk_customers, n_text: count(one.at_risk_customers) }) : null,
        })),
      }),
    ),
  );
}

/** @param {any} complaints */
function clock(complaints) {
  return card(
    t("clock.title"),
    { aside: h("a.small", { href: to("service") }, t("more.service")) },
    part(complaints, (some) =>
      some.over_clock
        ? [
            facts([
              [t("clock.over"), h("span.big", {}, number(some.over_clock))],
              [t("clock.oldest"), ago(some.oldest_due_at)],
            ]),
            h("div.after", {}, clockTable((some.by_team ?? []).filter((/** @type {any} */ row) => row.open), true)),
          ]
        : h("p.row", {}, state("ok", t("clock.none")), some.checked_at ? h("span.note", {}, t("checked", { when: ago(some.checked_at) })) : null),
    ),
  );
}

/** @param {any[]} rows @param {boolean} [isShort] only what is late now */
export const clockTable = (rows, isShort = false) =>
  table({
    caption: t("clock.title"),
    plain: true,
    keep: true,
    limit: 6,
    rows,
    columns: [
      { head: t("column.team"), name: true, cell: (row) => (row.team === "unassigned" ? t("clock.unassigned") : row.team) },
      { head: t("column.clock"), cell: (row) => pick(row.clock_label, row.clock) },
      { head: t("column.severity"), cell: (row) => pick(row.severity_label, row.severity) },
      { head: t("column.open"), number: true, cell: (row) => h("span", { class: row.open ? "strong" : "quiet" }, number(row.open)) },
      ...(isShort ? [] : [{ head: t("column.closed_late"), number: true, cell: (/** @type {any} */ row) => number(row.closed_late) }]),
    ],
  });

/** @param {any} pushes */
function pushed(pushes) {
  return card(
    t("pushes.title"),
    { aside: h("a.small", { href: to("approvals") }, t("more.approvals")) },
    part(pushes, (some) => [
      some.waiting ? h("p.before", {}, state("needs_approval", t("pushes.waiting", { n: some.waiting, n_text: number(some.waiting) }))) : null,
      some.last
        ? facts([
            [t("pushes.members"), shown(some.last.members, "count"), t("pushes.of", { date: day(some.last.business_date) })],
            [t("pushes.changes"), `+${count(some.last.added)} / −${count(some.last.removed)}`, t("pushes.updated", { n: some.last.updated, n_text: count(some.last.updated) })],
            [t("pushes.tasks"), count(some.last.tasks)],
          ])
        : h("p.quiet", {}, t("pushes.never")),
    ]),
  );
}

/** @param {any} health */
function health(health) {
  return card(
    t("health.title"),
    { aside: h("a.small", { href: to("quality", [], { part: "health" }) }, t("more.health")) },
    part(health, (some) => [
      h("p.row", {}, ["breach", "warn", "ok", "not_measured"].filter((one) => some.counts?.[one]).map((one) => state(one, `${t(`health.${one}`)} ${number(some.counts[one])}`))),
      (some.items ?? []).length ? h("ul.stack.after-small", {}, some.items.map((/** @type {any} */ item) => h("li.row", {}, mark(tone(item.state), `tiny ${tone(item.state)}`), h("span.grow", {}, pick(item.sentence, pick(item.label)))))) : null,
    ]),
  );
}
