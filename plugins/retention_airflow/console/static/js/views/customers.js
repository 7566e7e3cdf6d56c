// @ts-check
/** Who the customers are: groups, the RFM map, who moved where, who stays. Groups only; one person is another view. */

import { card, facts, head, part, pick, section, shown, switched, table } from "../components.js";
import { bars, heat } from "../charts/small.js";
import { fill, h } from "../dom.js";
import { count, day, money, number, percent, NONE } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { to } from "../router.js";

/** @param {import("./index.js").Ask} ask */
export const load = ({ get }) => get("customers");

/** @param {any} data */
export function show(data) {
  const totals = data.totals ?? {};
  return h(
    "div",
    {},
    head(t("customers.title"), {
      lead: t("customers.lead", { date: day(data.as_of_date, "long") }),
      aside: h("a.button", { href: to("customer") }, icon("search"), t("customers.look_up")),
    }),
    h("div.card", {}, facts([
      [t("customers.known"), count(totals.customers)],
      [t("customers.purchasers"), shown(totals.purchasers, "count", totals.purchasers === null)],
      [t("customers.at_risk"), shown(totals.at_risk_customers, "count", totals.at_risk_customers === null), totals.purchasers && totals.at_risk_customers !== null ? t("of_them", { share: percent(totals.at_risk_customers / totals.purchasers) }) : null],
      [t("customers.net"), money(totals.net_minor_365d)],
      [t("customers.clv"), money(totals.clv_12m_minor)],
      [t("customers.risk"), money(totals.value_at_risk_minor)],
    ])),
    h(
      "div.grid.section",
      {},
      h("div.w6.stack", {}, groups(data.groups ?? {}, ["tier", "stage", "membership_level", "persona"]), groups(data.groups ?? {}, ["rfm_segment", "value_class", "rfm_class"])),
      h("div.w6.stack", {}, rfm(data.rfm_map), stability(data.stability)),
    ),
    h("div.grid.even.section", {}, h("div.w7", {}, migration(data.migration)), h("div.w5", {}, tierByStage(data.tier_by_stage, data.groups ?? {}))),
    cohorts(data.cohorts),
  );
}

/** @param {any} all @param {string[]} names */
function groups(all, names) {
  const there = names.filter((name) => all[name]);
  if (!there.length) return card(t("customers.groups"), {}, part({ state: "empty" }, () => null));
  const { control, body } = switched({
    label: t("customers.groups"),
    value: there[0],
    options: there.map((name) => ({ value: name, word: pick(all[name].label, name) })),
    draw: (name) => part(all[name], (group) => members(group, name), (group) => !group.members?.length),
  });
  return card(t(`customers.groups_${names[0]}`), { note: t("customers.groups_note") }, h("div.stack", {}, there.length > 1 ? control : null, body));
}

/** @param {any} group @param {string} name */
function members(group, name) {
  const label = pick(group.label, name);
  const rows = [...group.members].sort((a, b) => (b.order ?? 0) - (a.order ?? 0) || (b.customers ?? 0) - (a.customers ?? 0));
  return h(
    "div.stack",
    {},
    bars({
      label,
      items: rows.map((one) => ({
        name: pick(one.label, one.member),
        value: one.customers,
        hatched: one.at_risk_customers ?? 0,
        text: one.is_suppressed ? t("hidden.word") : count(one.customers),
        note: one.share === null || one.share === undefined ? null : percent(one.share),
      })),
    }),
    h("details", {}, h("summary", {}, t("customers.money_by_group")), table({
      caption: `${label}: ${t("customers.money_by_group")}`,
      keep: true,
      plain: true,
      rows,
      columns: [
        { head: label, name: true, cell: (row) => pick(row.label, row.member) },
        { head: t("column.at_risk"), number: true, cell: (row) => shown(row.at_risk_customers, "count", row.is_suppressed) },
        { head: t("customers.net"), number: true, cell: (row) => shown(row.net_minor_365d, "money_minor", row.is_suppressed) },
        { head: t("customers.clv"), number: true, cell: (row) => shown(row.clv_12m_minor, "money_minor", row.is_suppressed) },
        { head: t("customers.risk"), number: true, cell: (row) => shown(row.value_at_risk_minor, "money_minor", row.is_suppressed) },
        { head: t("column.churn"), number: true, cell: (row) => shown(row.mean_churn_probability, "share", row.is_suppressed) },
      ],
    })),
  );
}

/** @param {any} map */
function rfm(map) {
  const detail = h("div", { "aria-live": "polite" }, h("p.note", {}, t("rfm.pick")));
  const steps = [1, 2, 3, 4, 5];
  return card(
    t("rfm.title"),
    { note: t("rfm.note") },
    part(map, (some) => {
      const cells = new Map(some.cells.map((/** @type {any} */ cell) => [`${cell.recency}-${cell.frequency}`, cell]));
      const table = heat({
        caption: t("rfm.title"),
        corner: t("rfm.corner"),
        across: steps.map((key) => ({ key, name: `R${key}` })),
        down: [...steps].reverse().map((key) => ({ key, name: `F${key}` })),
        cell: (frequency, recency) => {
          const cell = cells.get(`${recency}-${frequency}`);
          if (!cell) return { value: 0, text: NONE };
          return { value: cell.customers, text: cell.is_suppressed ? t("hidden.short") : count(cell.customers), note: pick(cell.label), pick: () => fill(detail, rfmDetail(cell)) };
        },
      });
      return h("div.stack", {}, table, h("div.row.spread", {}, h("span.note", {}, t("rfm.axes")), scale()), detail);
    }),
  );
}

const scale = () => h("span.heat-scale", { "aria-hidden": "true" }, t("scale.few"), h("i", {}), t("scale.many"));

/** @param {any} cell */
function rfmDetail(cell) {
  return h(
    "div.stack",
    {},
    h("p.strong", {}, t("rfm.cell", { recency: cell.recency, frequency: cell.frequency, segment: pick(cell.label) })),
    facts([
      [t("column.customers"), shown(cell.customers, "count", cell.is_suppressed), cell.share === null ? null : percent(cell.share)],
      [t("customers.net"), shown(cell.net_minor_365d, "money_minor", cell.is_suppressed)],
      [t("customers.clv"), shown(cell.clv_12m_minor, "money_minor", cell.is_suppressed)],
      [t("column.churn"), shown(cell.mean_churn_probability, "share", cell.is_suppressed)],
    ]),
    (cell.by_monetary ?? []).length
      ? bars({ label: t("rfm.by_monetary"), items: [...cell.by_monetary].sort((a, b) => b.monetary - a.monetary).map((one) => ({ name: `M${one.monetary}`, value: one.customers, text: one.is_suppressed ? t("hidden.word") : count(one.customers) })) })
      : null,
  );
}

/** @param {any} migration */
function migration(migration) {
  return card(
    t("migration.title"),
    { note: t("migration.note") },
    part(migration, (some) => {
      const spans = [{ value: "month", from: some }, ...(some.previous?.dimensions && some.previous.since_date !== some.since_date ? [{ value: "previous", from: some.previous }] : [])];
      const names = Object.keys(some.dimensions ?? {});
      if (!names.length) return part({ state: "empty" }, () => null);
      let [name, span] = [names[0], spans[0].value];
      const body = h("div", {});
      const draw = () => {
        const from = spans.find((one) => one.value === span)?.from ?? some;
        const dimension = from.dimensions?.[name];
        fill(body, dimension ? matrix(dimension, from) : part({ state: "empty" }, () => null));
      };
      const controls = h(
        "div.row",
        {},
        names.length > 1 ? switchedOnly(t("migration.of"), names.map((value) => ({ value, word: pick(some.dimensions[value].label, value) })), name, (value) => ((name = value), draw())) : null,
        spans.length > 1 ? switchedOnly(t("migration.span"), spans.map((one) => ({ value: one.value, word: t("migration.since", { date: day(one.from.since_date) }) })), span, (value) => ((span = value), draw())) : null,
      );
      draw();
      return h("div.stack", {}, controls, body);
    }),
  );
}

/** @param {string} label @param {{value: string, word: string}[]} options @param {string} value @param {(value: string) => void} choose */
function switchedOnly(label, options, value, choose) {
  const { control } = switched({ label, options, value, draw: (next) => (next !== value && ((value = next), choose(next)), null) });
  return control;
}

/** @param {any} dimension @param {any} span */
function matrix(dimension, span) {
  const flows = new Map(dimension.flows.map((/** @type {any} */ flow) => [`${flow.from}>${flow.to}`, flow]));
  const used = dimension.members.filter((/** @type {any} */ one) => dimension.flows.some((/** @type {any} */ flow) => flow.from === one.member || flow.to === one.member));
  const name = (/** @type {any} */ one) => (one.member === "none" ? t("migration.none") : pick(one.label, one.member));
  return h(
    "div.stack",
    {},
    heat({
      caption: t("migration.caption", { name: pick(dimension.label), date: day(span.since_date, "long") }),
      corner: t("migration.corner"),
      across: used.map((/** @type {any} */ one) => ({ key: one.member, name: name(one) })),
      down: used.map((/** @type {any} */ one) => ({ key: one.member, name: name(one) })),
      cell: (from, to) => {
        const flow = flows.get(`${from}>${to}`);
        if (!flow) return { value: 0, text: "", calm: true };
        return { value: flow.customers, text: flow.is_suppressed ? t("hidden.short") : count(flow.customers), note: flow.share_of_from === null || flow.share_of_from === undefined ? null : percent(flow.share_of_from, 0), same: from === to, calm: from === to };
      },
    }),
    h("p.note", {}, t("migration.read")),
  );
}

/** @param {any} cross @param {any} all */
function tierByStage(cross, all) {
  return card(
    t("cross.title"),
    { note: t("cross.note") },
    part(cross, (some) => {
      const labels = (/** @type {string} */ group, /** @type {string} */ member) => pick(all[group]?.members?.find((/** @type {any} */ one) => one.member === member)?.label, member);
      const order = (/** @type {string} */ group) => (/** @type {string} */ member) => all[group]?.members?.find((/** @type {any} */ one) => one.member === member)?.order ?? 0;
      const sorted = (/** @type {string} */ group, /** @type {string[]} */ list) => [...new Set(list)].sort((a, b) => order(group)(b) - order(group)(a));
      const tiers = sorted("tier", some.rows.map((/** @type {any} */ row) => row.tier));
      const stages = sorted("stage", some.rows.map((/** @type {any} */ row) => row.stage)).reverse();
      const cells = new Map(some.rows.map((/** @type {any} */ row) => [`${row.stage}|${row.tier}`, row]));
      return heat({
        caption: t("cross.title"),
        corner: "",
        across: tiers.map((key) => ({ key, name: labels("tier", key) })),
        down: stages.map((key) => ({ key, name: labels("stage", key) })),
        cell: (stage, tier) => {
          const cell = cells.get(`${stage}|${tier}`);
          return cell ? { value: cell.customers, text: cell.is_suppressed ? t("hidden.short") : count(cell.customers), note: cell.at_risk_customers ? t("cross.at_risk", { n: cell.at_risk_customers, n_text: count(cell.at_risk_customers) }) : null } : { value: 0, text: "" };
        },
      });
    }),
  );
}

/** @param {any} stability */
function stability(stability) {
  return card(
    t("stability.title"),
    { note: t("stability.note"), classes: "flush" },
    part(stability, (some) =>
      table({
        caption: t("stability.title"),
        rows: some.rows,
        columns: [
          { head: t("column.group"), name: true, cell: (row) => pick(row.label, row.dimension) },
          { head: t("stability.movers"), number: true, cell: (row) => (row.movers === null ? shown(null, "count", true) : row.customers ? `${count(row.movers)} (${percent(row.movers / row.customers)})` : count(row.movers)) },
          { head: t("stability.since"), number: true, cell: (row) => day(row.since_date) },
          { head: t("stability.flappers"), number: true, cell: (row) => (row.flappers === null ? shown(null, "count", true) : row.flap_rate === null ? count(row.flappers) : `${count(row.flappers)} (${percent(row.flap_rate, 2)})`) },
        ],
      }),
    ),
  );
}

/** @param {any} cohorts */
function cohorts(cohorts) {
  return section(
    t("cohorts.title"),
    t("cohorts.note"),
    h(
      "div.card",
      {},
      part(cohorts, (some) => {
        const list = [...some.cohorts].slice(-12);
        const most = Math.max(...list.flatMap((cohort) => cohort.months.map((/** @type {any} */ month) => month.months_since)), 0);
        const months = Array.from({ length: Math.min(most, 12) + 1 }, (_, index) => index);
        return h("div.cohorts", {}, heat({
          caption: t("cohorts.note"),
          corner: t("cohorts.corner"),
          across: months.map((key) => ({ key, name: key === 0 ? t("cohorts.first") : `+${number(key)}` })),
          down: list.map((cohort) => ({ key: cohort, name: `${day(cohort.cohort_month, "month")} · ${cohort.customers === null ? t("hidden.short") : count(cohort.customers)}` })),
          cell: (cohort, since) => {
            const month = cohort.months.find((/** @type {any} */ one) => one.months_since === since);
            return month ? { value: month.retention, text: month.retention === null ? t("hidden.short") : percent(month.retention, 0), title: typeof month.net_minor === "number" ? money(month.net_minor) : undefined, calm: since === 0 } : null;
          },
        }));
      }, (some) => !some.cohorts?.length),
    ),
  );
}
