// @ts-check
/** Links to Airflow's own pages. */

import { h } from "./dom.js";
import { leaveFor } from "./frame.js";

/** Airflow's own address: what stands before /retention/. */
const base = () => location.pathname.replace(/\/retention\/?$/, "");

/**
 * A link to a DAG.
 * @param {string | null | undefined} dag
 * @param {import("./dom.js").Children} words
 */
export function dagLink(dag, words) {
  if (!dag || !/^[\w.-]+$/.test(dag)) return h("span", {}, words);
  const href = `${base()}/dags/${dag}`;
  return h("a", { href, onclick: (/** @type {Event} */ event) => leaveFor(href, event) }, words);
}
