// @ts-check
/** Pushes that wait for somebody's word: what would change, why it waits, and the decision. */

import { ApiError, post } from "../api.js";
import { card, head, notice, part, pick, state, table, words } from "../components.js";
import { announce, fill, h, newId } from "../dom.js";
import { ago, count, day, moment, number } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { to } from "../router.js";

/** What was decided here, shown until the view is left. @type {{en: string, zh: string} | null} */
let decided = null;

/** @param {import("./index.js").Ask} ask */
export const load = ({ get }) => get("pushes");

/** @param {any} data @param {import("./index.js").Context} context */
export function show(data, { reload }) {
  const items = data.items ?? [];
  const told = decided;
  decided = null;
  return h(
    "div",
    {},
    head(t("approvals.title"), { lead: t("approvals.lead") }),
    told ? h("div.after-head", { role: "status" }, notice("ok", pick(told))) : null,
    items.length ? h("div.stack", {}, items.map((/** @type {any} */ item) => waitingPush(item, reload))) : h("div.card", {}, h("div.void", {}, icon("stamp"), h("p.what", {}, t("approvals.none")), h("p", {}, t("approvals.none_more")))),
    h("div.grid.section", {}, h("div.w7", {}, past(data.history ?? [])), h("div.w5", {}, approvals(data.approvals ?? []))),
  );
}

/** @param {any} item @param {() => Promise<void>} reload */
function waitingPush(item, reload) {
  const excess = item.excess ?? [];
  return card(
    t("approvals.push", { date: day(item.business_date, "long") }),
    { aside: state("needs_approval", t("approvals.waits")), note: [item.asked_at ? t("approvals.asked", { when: ago(item.asked_at) }) : null, item.answer_by ? t("approvals.answer_by", { when: moment(item.answer_by) }) : null].filter(Boolean).join(" · ") },
    h(
      "div.stack",
      {},
      h("ul.stack", {}, excess.map((/** @type {any} */ one) => h("li", {}, excessRow(one)))),
      h("p.note", {}, t("approvals.meaning")),
      item.can_answer
        ? h("div.row", {}, h("button.button.main", { type: "button", onclick: () => ask(item, "approve", reload) }, icon("check"), t("approvals.approve")), h("button.button.danger", { type: "button", onclick: () => ask(item, "reject", reload) }, icon("x"), t("approvals.reject")))
        : notice("idle", t("approvals.cannot"), h("p.soft", {}, pick(item.why_not))),
    ),
  );
}

/** @param {any} one */
function excessRow(one) {
  const times = one.allowed > 0 ? one.found / one.allowed : null;
  return h(
    "div.excess",
    {},
    h("p", {}, h("a.strong", { href: to("plays", [one.play]) }, pick(one.label, one.play)), " · ", pick(one.measure_label, one.measure), one.cause_label ? h("span.quiet", {}, ` · ${pick(one.cause_label)}`) : null),
    h("p.row", {}, h("span.big.mid", {}, count(one.found)), h("span.soft", {}, t("approvals.allowed", { n: one.allowed, n_text: count(one.allowed) })), times ? h("span.quiet", {}, t("approvals.times", { times: number(times, 1) })) : null),
    h("p.soft", {}, pick(one.sentence)),
  );
}

/**
 * Ask for the reason and confirm; the version shown goes along, so nobody approves another push than they saw.
 * @param {any} item @param {"approve" | "reject"} decision @param {() => Promise<void>} reload
 */
function ask(item, decision, reload) {
  const id = newId("reason");
  const problem = h("div", { role: "alert" });
  const reason = /** @type {HTMLTextAreaElement} */ (h("textarea", { id, required: true, minlength: 3, maxlength: 500, "aria-describedby": `${id}-hint` }));
  const send = /** @type {HTMLButtonElement} */ (h("button.button", { type: "submit", class: decision === "approve" ? "main" : "danger" }, t(`approvals.${decision}`)));
  const dialog = /** @type {HTMLDialogElement} */ (
    h(
      "dialog",
      { "aria-labelledby": `${id}-title` },
      h(
        "form",
        { method: "dialog", novalidate: true, onsubmit: submit },
        h("h2", { id: `${id}-title` }, t(`approvals.${decision}_title`, { date: day(item.business_date, "long") })),
        h("p.soft", {}, t(`approvals.${decision}_meaning`)),
        h("div.field", {}, h("label", { for: id }, t("approvals.reason")), reason, h("p.hint", { id: `${id}-hint` }, t("approvals.reason_hint"))),
        problem,
        h("div.actions", {}, h("button.button", { type: "button", onclick: () => dialog.close() }, t("approvals.cancel")), send),
      ),
    )
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  reason.focus();

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    if (reason.value.trim().length < 3) {
      fill(problem, notice("bad", t("approvals.reason_missing")));
      return reason.focus();
    }
    send.disabled = true;
    try {
      const answer = await post(`pushes/${encodeURIComponent(item.id)}/${decision}`, { version: item.version, reason: reason.value.trim() });
      decided = answer.data?.message ?? { en: "Done.", zh: "已完成。" };
      dialog.close();
      announce(pick(decided));
      await reload();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const [message, advice] = words(error.trouble);
      fill(problem, notice("bad", message, advice ? h("p.soft", {}, advice) : null));
      send.disabled = false;
    }
  }
}

/** @param {any[]} history */
function past(history) {
  return card(
    t("approvals.history"),
    { classes: "flush" },
    history.length
      ? table({
          caption: t("approvals.history"),
          rows: history,
          limit: 10,
          columns: [
            { head: t("column.date"), name: true, cell: (row) => [day(row.business_date), h("span.note", {}, h("br"), moment(row.pushed_at))] },
            { head: t("column.state"), cell: (row) => state(row.state, pick(row.state_label, row.state)) },
            { head: t("pushes.members"), number: true, cell: (row) => count(row.members) },
            { head: t("pushes.changes"), number: true, cell: (row) => `+${count(row.added)} / −${count(row.removed)}` },
            { head: t("approvals.withheld"), number: true, cell: (row) => count(row.withheld) },
            { head: t("approvals.by"), cell: (row) => (row.approved_by ? h("span", { title: pick(row.approval_reason) }, row.approved_by) : "") },
          ],
        })
      : part({ state: "empty" }, () => null),
  );
}

/** @param {any[]} rows */
function approvals(rows) {
  return card(
    t("approvals.given"),
    { note: t("approvals.given_note") },
    rows.length
      ? h("ul.stack", {}, rows.slice(0, 10).map((row) => h("li", {}, h("p.row.spread", {}, h("span.strong", {}, row.approved_by), state(row.used_at ? "ok" : "waiting", t(row.used_at ? "approvals.used" : "approvals.unused"), { bare: true })), h("p.soft", {}, row.reason), h("p.note", {}, `${day(row.business_date)} · ${moment(row.approved_at)}`))))
      : h("p.quiet", {}, t("approvals.given_none")),
  );
}

