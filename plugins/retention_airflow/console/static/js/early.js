// Runs before anything is painted: the theme, so that nothing flashes, and the first request, so that it does not wait for the modules.
(function () {
  "use strict";
  var root = document.documentElement;
  var read = function (key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is closed to us: the system's own choice holds
    }
  };
  // Airflow keeps its own choice under "theme"; ours, if somebody made one here, comes first.
  var theme = read("retention.theme") || read("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  if (/^#?\/?(overview)?$/.test(location.hash)) {
    globalThis.retentionEarly = fetch("api/overview", { credentials: "same-origin", headers: { Accept: "application/json" } });
    globalThis.retentionEarly.catch(function () {}); // told by whoever uses it
  }
})();
