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
 * @property {() => Promise<ViewModule>} module fetched when somebody first goes there
 *
 * @typedef {object} ViewModule
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

/** @type {Record<string, View>} */
export const VIEWS = {
  overview: { title: "overview.title", short: "nav.overview", icon: "layout-dashboard", module: () => import("./overview.js") },
  customers: { title: "customers.title", short: "nav.customers", icon: "users", module: () => import("./customers.js") },
  plays: { title: "plays.title", short: "nav.plays", icon: "megaphone", module: () => import("./plays.js") },
  service: { title: "service.title", short: "nav.service", icon: "message-square-warning", extra: true, module: () => import("./service.js") },
  models: { title: "models.title", short: "nav.models", icon: "brain", extra: true, module: () => import("./models.js") },
  quality: { title: "quality.title", short: "nav.quality", icon: "database", extra: true, module: () => import("./quality.js") },
  customer: { title: "customer.title", short: "nav.customer", icon: "search", extra: true, module: () => import("./customer.js") },
  approvals: { title: "approvals.title", short: "nav.approvals", icon: "stamp", module: () => import("./approvals.js") },
  kpis: { title: "kpis.title", under: "overview", module: () => import("./kpis.js") },
};
