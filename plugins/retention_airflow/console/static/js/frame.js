// @ts-check
/**
 * The page inside Airflow: a frame that may run scripts and share the origin, but neither open windows nor move the window around it.
 * Airflow's address carries the frame's path, so keeping the two in step makes every view a link that can be passed on.
 */

/** The window around this one if it is Airflow's, else null. @returns {Window | null} */
function airflow() {
  try {
    if (window.parent === window || !window.parent.location.pathname.includes("/plugin/")) return null;
    return window.parent;
  } catch {
    return null; // another origin: none of our business
  }
}

/** Whether the page stands inside Airflow's own. */
export const isFramed = () => airflow() !== null;

/** Write the view into the address of the page around this one. */
export function tellAddress() {
  const outer = airflow();
  if (!outer) return;
  const { pathname, search } = outer.location;
  const at = pathname.endsWith(location.pathname) ? pathname : `${pathname.replace(/\/$/, "")}${location.pathname}`;
  outer.history.replaceState(outer.history.state, "", `${at}${search}${location.hash}`);
}

/**
 * Go to a page of Airflow itself, without loading it anew when this page stands inside it.
 * @param {string} href absolute path
 * @param {Event} event of the link that was followed
 */
export function leaveFor(href, event) {
  const outer = airflow();
  if (!outer) return; // an ordinary link
  event.preventDefault();
  outer.history.pushState(null, "", href);
  outer.dispatchEvent(new PopStateEvent("popstate"));
}

/** The address of a view as it can be passed on. @param {string} hash */
export function shareable(hash) {
  const outer = airflow();
  const base = (outer ?? window).location;
  return `${base.origin}${base.pathname}${base.search}${hash}`;
}
