// @ts-check
/** What the browser remembers of a reader's choices; a closed storage is no error. */

/** @param {string} key @returns {string | null} */
export function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string | null} value */
export function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Private windows forbid it: the choice holds until the page is closed.
  }
}
