// @ts-check
/** The back end: one function to read, one to decide. Errors come back as sentences that say what to do. */

import { settle } from "./format.js";

/**
 * @typedef {object} Trouble a state that a reader can act on
 * @property {"empty" | "error"} state
 * @property {number} [status]
 * @property {string} [message_en]
 * @property {string} [message_zh]
 * @property {string} [what_to_do_en]
 * @property {string} [what_to_do_zh]
 * @property {string} [runbook]
 */

/** What went wrong, with the body that the back end sent. */
export class ApiError extends Error {
  /** @param {number} status @param {Trouble} trouble */
  constructor(status, trouble) {
    super(trouble.message_en ?? `status ${status}`);
    this.status = status;
    this.trouble = { ...trouble, state: /** @type {const} */ ("error"), status };
  }
}

/**
 * Read one resource.
 * @param {string} path below api/
 * @param {{signal?: AbortSignal, query?: Record<string, string | number | undefined | null>}} [how]
 * @returns {Promise<any>}
 */
export async function get(path, { signal, query } = {}) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  const address = `api/${path}${search.size ? `?${search}` : ""}`;
  const early = address === "api/overview" ? takeEarly() : null;
  const response = await answered(() => early ?? fetch(address, { signal, credentials: "same-origin", headers: { Accept: "application/json" } }));
  const body = await parsed(response);
  if (!response.ok) throw new ApiError(response.status, trouble(body));
  settle(body?.meta);
  return body;
}

/** The overview's answer, if it was asked for before this module was there. @returns {Promise<Response> | null} */
function takeEarly() {
  const holder = /** @type {any} */ (globalThis);
  const early = holder.retentionEarly ?? null;
  holder.retentionEarly = null;
  return early;
}

/**
 * Send a decision.
 * @param {string} path below api/
 * @param {Record<string, any>} payload
 */
export async function post(path, payload) {
  const response = await answered(() =>
    fetch(`api/${path}`, {
      method: "POST",
      credentials: "same-origin",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-Retention-Console": "1" },
      body: JSON.stringify(payload),
    }),
  );
  const body = await parsed(response);
  if (!response.ok) throw new ApiError(response.status, trouble(body));
  return body;
}

/** @param {() => Promise<Response>} ask @returns {Promise<Response>} */
async function answered(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { state: "error" });
  }
}

/** @param {Response} response @returns {Promise<any>} */
async function parsed(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** The back end's own words, wherever FastAPI put them. @param {any} body @returns {Trouble} */
function trouble(body) {
  const detail = body?.detail && typeof body.detail === "object" && !Array.isArray(body.detail) ? body.detail : body;
  return detail && typeof detail === "object" && !Array.isArray(detail) ? detail : { state: "error" };
}
