// @ts-check
/**
 * Views by the hash of the address, so that each can be linked: #/plays/welcome?tier=vip.
 *
 * @typedef {object} Place
 * @property {string} name of the view
 * @property {string[]} rest of the path after it, decoded
 * @property {URLSearchParams} query
 */

/** @param {string} hash @returns {Place} */
export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").filter(Boolean).map(decoded);
  return { name: name ?? "overview", rest, query: new URLSearchParams(search) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The hash of a view.
 * @param {string} name
 * @param {Array<string | number>} [rest]
 * @param {Record<string, string | number | null | undefined>} [query]
 */
export function to(name, rest = [], query = {}) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  const path = [name, ...rest].map((part) => encodeURIComponent(String(part))).join("/");
  return `#/${path}${search.size ? `?${search}` : ""}`;
}

/** Go to a view. @param {string} hash @param {{replace?: boolean}} [how] */
export function go(hash, { replace = false } = {}) {
  if (replace) {
    history.replaceState(history.state, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = hash;
}
