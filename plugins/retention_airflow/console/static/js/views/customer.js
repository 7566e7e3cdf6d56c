// @ts-check
/** One customer by pseudonym: nobody's name is here, and every look is on record. */

import { card, facts, head, mark, notice, nothing, part, pick, prose, shown, state, table } from "../components.js";
import { lines } from "../charts/drawn.js";
import { h, newId } from "../dom.js";
import { day, moment, money, number, percent, quantity } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { to } from "../router.js";

/** @param {import("./index.js").Ask} ask */
export function load({ place, get }) {
  if (!place.rest.length) return Promise.resolve({ state: "ok", data: { ask: true } });
  return get(`customer/${encodeURIComponent(place.rest[0])}`);
}

/** @param {any} data @param {import("./index.js").Context} context */
export function show(data, { meta, navigate }) {
  if (data.ask) return lookUp(meta, navigate);
  return h(
    "div",
    {},
    head(t("customer.named", { key: data.customer_key }), {
      crumb: h("a", { href: to("customer") }, icon("arrow-left"), t("customer.another")),
      lead: data.merged_from ? t("customer.merged", { key: data.merged_from }) : t("customer.as_of", { date: day(data.as_of_date, "long") }),
      aside: data.logged ? h("span.state", { class: "idle" }, icon("shield-check"), t("customer.logged", { actor: data.logged.actor, n: data.logged.looks_left, n_text: number(data.logged.looks_left) })) : null,
    }),
    profile(data.profile ?? {}, data.facts ?? []),
    h("div.grid.section", {}, h("div.w7.stack", {}, scores(data.scores), memberships(data.memberships)), h("div.w5.stack", {}, warnings(data.warnings), nextBest(data.next_best), timeline(data.timeline))),
  );
}

/** @param {any} meta @param {(hash: string) => void} navigate */
function lookUp(meta, navigate) {
  const id = newId("key");
  const error = h("p.hint", { id: `${id}-hint` }, t("customer.hint"));
  const input = /** @type {HTMLInputElement} */ (h("input", { id, name: "key", inputmode: "numeric", autocomplete: "off", spellcheck: "false", required: true, maxlength: 20, "aria-describedby": `${id}-hint` }));
  const form = h(
    "form.inline-form",
    {
      novalidate: true,
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        const key = input.value.trim();
        if (/^-?\d{1,19}$/.test(key)) return navigate(to("customer", [key]));
        error.textContent = t("customer.wrong_key");
        input.setAttribute("aria-invalid", "true");
        input.focus();
      },
    },
    h("div.field", {}, h("label", { for: id }, t("customer.key")), input),
    h("button.button.main", { type: "submit" }, icon("search"), t("customer.look")),
  );
  const may = meta?.can?.customer !== false;
  return h(
    "div",
    {},
    head(t("customer.title"), { lead: t("customer.lead") }),
    h("div.grid", {}, h("div.w7", {}, may ? h("div.card", {}, form, error) : h("div.card", {}, nothing({ state: "error", status: 403, message_en: t("customer.no_right"), message_zh: t("customer.no_right") }))), h("div.w5", {}, notice("idle", t("customer.on_record"), h("p.soft", {}, t("customer.on_record_more"))))),
  );
}

/** @param {any} profile @param {any[]} rows */
function profile(profile, rows) {
  const named = (/** @type {any} */ one) => (one ? pick(one.label, one.member) : t("none_word"));
  return h(
    "div.card",
    {},
    h(
      "div.stack",
      {},
      h(
        "p.chips",
        {},
        profile.is_at_risk ? state("breach", t("customer.at_risk")) : null,
        ["service_tier", "lifecycle_stage", "value_class", "rfm_segment", "membership_level", "persona"].filter((key) => profile[key]).map((key) => h("span.tag", {}, h("span.quiet", {}, `${t(`profile.${key}`)} `), named(profile[key]))),
        profile.rfm ? h("span.tag.num", {}, `R${profile.rfm.recency} F${profile.rfm.frequency} M${profile.rfm.monetary}`) : null,
      ),
      facts([
        [t("profile.kind"), profile.customer_kind ? t(`kind.${profile.customer_kind}`) : t("none_word")],
        [t("profile.region"), profile.region ?? t("none_word")],
        [t("profile.since"), day(profile.member_since_month, "month")],
        [t("profile.tier_since"), day(profile.tier_since)],
        ...rows.map((row) => /** @type {[string, any]} */ ([pick(row.label, row.name), shown(row.value, row.unit)])),
      ]),
    ),
  );
}

/** @param {any} scores */
function scores(scores) {
  return card(
    t("scores.title"),
    { note: t("scores.note") },
    part(scores, (some) => {
      const history = some.history ?? [];
      return h(
        "div.stack",
        {},
        some.rows.map((/** @type {any} */ score) =>
          h(
            "div.score",
            {},
            h("div.row.spread", {}, h("h3", {}, pick(score.label, score.score)), h("span.row", {}, score.is_fallback ? state(null, t("scores.fallback"), { as: "warn" }) : null, h("span.big.mid", {}, quantity(score.value, score.unit)))),
            h("p.note", {}, [score.lower !== null && score.lower !== undefined ? t("scores.interval", { low: quantity(score.lower, score.unit), high: quantity(score.upper, score.unit) }) : null, score.horizon_days ? t("scores.horizon", { n: score.horizon_days, n_text: number(score.horizon_days) }) : null, score.model_version].filter(Boolean).join(" · ")),
            score.reasons?.length
              ? h("ul.reasons", {}, score.reasons.map((/** @type {any} */ reason) => h("li", { class: reason.is_raising ? "up" : "down" }, icon(reason.is_raising ? "arrow-up" : "arrow-down"), h("span", {}, h("span.visually-hidden", {}, `${t(reason.is_raising ? "scores.raises" : "scores.lowers")}: `), pick(reason.sentence)))))
              : score.explained === false
                ? h("p.note", {}, prose(t("scores.not_explained")))
                : null,
          ),
        ),
        history.length > 1 ? lines({ describe: t("scores.history"), size: "low", zero: true, labels: history.map((/** @type {any} */ row) => day(row.date)), format: (value) => percent(value, 0), series: [{ name: t("column.churn"), values: history.map((/** @type {any} */ row) => row.churn_probability) }] }) : null,
      );
    }, (some) => !some.rows?.length),
  );
}

/** @param {any} memberships */
function memberships(memberships) {
  const as = /** @type {const} */ ({ selected: "ok", control: "idle", excluded: "idle" });
  return card(
    t("memberships.title"),
    { note: t("memberships.note"), classes: "flush" },
    part(memberships, (some) =>
      table({
        caption: t("memberships.title"),
        rows: some.rows,
        limit: 10,
        columns: [
          { head: t("column.play"), name: true, cell: (row) => h("a", { href: to("plays", [row.play]) }, pick(row.label, row.play)) },
          { head: t("column.state"), cell: (row) => h("span.state", { class: as[/** @type {"selected"} */ (row.state)] ?? "idle" }, icon(row.state === "selected" ? "circle-check" : row.state === "control" ? "hourglass" : "circle-minus"), pick(row.state_label, row.state)) },
          { head: t("memberships.why"), whole: true, classes: "wrap", cell: (row) => [h("span", {}, prose(pick(row.sentence))), row.channel || row.offer ? h("span.note", {}, h("br"), [row.channel, pick(row.offer), row.valid_until ? t("memberships.until", { date: day(row.valid_until) }) : null].filter(Boolean).join(" · ")) : null] },
        ],
      }), (some) => !some.rows?.length),
  );
}

/** @param {any} warnings */
function warnings(warnings) {
  return card(t("warnings.title"), { note: t("warnings.note") }, part(warnings, (some) => (some.rows?.length ? h("ul.stack", {}, some.rows.map((/** @type {any} */ row) => h("li.row", {}, mark("warn", "tiny warn"), h("span.grow", {}, pick(row.sentence))))) : h("p.row", {}, state("ok", t("warnings.none"))))));
}

/** @param {any} some */
function nextBest(some) {
  return card(
    t("next.title"),
    { note: t("next.note") },
    part(some, (all) => h("ol.stack", {}, all.rows.slice(0, 6).map((/** @type {any} */ row) => h("li", {}, h("div.row.spread", {}, h("span.strong", {}, pick(row.item)), h("span.num.quiet", {}, percent(row.probability))), h("p.note", {}, pick(row.why))))), (all) => !all.rows?.length, "next.none"),
  );
}

/** @type {Record<string, import("../icons.js").IconName>} */
const KINDS = { order: "shopping-cart", cancellation: "ban", refund: "undo-2", complaint: "message-square-warning", interaction: "message-circle", survey: "star", delivery: "send", campaign_event: "mail", tier_move: "layers", stage_move: "route", points: "coins", referral: "user-plus" };

/** @param {any} timeline */
function timeline(timeline) {
  const draw = (/** @type {any} */ row) =>
    h("li", {}, h("span.mark", {}, icon(KINDS[row.kind] ?? "circle-dashed")), h("div", {}, h("p", {}, h("span.strong", {}, pick(row.label, row.kind)), row.amount_minor === null || row.amount_minor === undefined ? null : h("span.num", {}, ` · ${money(row.amount_minor)}`)), h("p.soft.small", {}, [pick(row.title), pick(row.channel)].filter(Boolean).join(" · ")), h("p.when", {}, moment(row.at))));
  return card(
    t("timeline.title"),
    { note: timeline?.total > timeline?.shown ? t("timeline.shown", { n: timeline.shown, n_text: number(timeline.shown), all: number(timeline.total) }) : null },
    part(timeline, (some) => [h("ol.timeline", {}, some.rows.slice(0, 25).map(draw)), some.rows.length > 25 ? h("details", {}, h("summary", {}, t("table.more", { n: some.rows.length - 25, n_text: number(some.rows.length - 25) })), h("ol.timeline", {}, some.rows.slice(25).map(draw))) : null], (some) => !some.rows?.length, "timeline.none"),
  );
}
