// @ts-check
/**
 * The views by the name in the address.
 *
 * @typedef {object} View
 * @property {string} title key of its words
 * @property {string} [short] key of the words in the bar
 * @property {import("../icons.js").IconName} [icon] of its place in the bar; views without one are reached from others
 * @property {boolean} [extra] in the sheet on a phone
 * @property {string} [under] the view in the bar that it belongs to
 * @property {(ask: Ask) => Promise<any>} load the answer, as the back end gave it
 * @property {(data: any, context: Context) => Node} show the answer as elements, in the language in use
 *
 * @typedef {object} Ask
 * @property {import("../router.js").Place} place
 * @property {AbortSignal} signal
 * @property {(path: string, query?: Record<string, any>) => Promise<any>} get
 *
 * @typedef {object} Context
 * @property {import("../router.js").Place} place
 * @property {any} meta of the answer: date, currency, rights
 * @property {() => Promise<void>} reload
 * @property {(hash: string) => void} navigate
 */

import * as approvals from "./approvals.js";
import * as customer from "./customer.js";
import * as customers from "./customers.js";
import * as kpis from "./kpis.js";
import * as models from "./models.js";
import * as overview from "./overview.js";
import * as plays from "./plays.js";
import * as quality from "./quality.js";
import * as service from "./service.js";

/** @type {Record<string, View>} */
export const VIEWS = {
  overview: { title: "overview.title", short: "nav.overview", icon: "layout-dashboard", ...overview },
  customers: { title: "customers.title", short: "nav.customers", icon: "users", ...customers },
  plays: { title: "plays.title", short: "nav.plays", icon: "megaphone", ...plays },
  service: { title: "service.title", short: "nav.service", icon: "message-square-warning", extra: true, ...service },
  models: { title: "models.title", short: "nav.models", icon: "brain", extra: true, ...models },
  quality: { title: "quality.title", short: "nav.quality", icon: "database", extra: true, ...quality },
  customer: { title: "customer.title", short: "nav.customer", icon: "search", extra: true, ...customer },
  approvals: { title: "approvals.title", short: "nav.approvals", icon: "stamp", ...approvals },
  kpis: { title: "kpis.title", under: "overview", ...kpis },
};
