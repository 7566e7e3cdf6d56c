// @ts-check
/** The page: its bars, which view is shown, and what happens when the language or the colours change. */

import { get, ApiError } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { day, settle } from "./format.js";
import { isFramed, tellAddress } from "./frame.js";
import * as i18n from "./i18n.js";
import { icon } from "./icons.js";
import { nothing, waiting } from "./components.js";
import { dispose } from "./charts/drawn.js";
import { parse, to } from "./router.js";
import * as theme from "./theme.js";
import { VIEWS } from "./views/index.js";

const { t } = i18n;
const main = /** @type {HTMLElement} */ (document.getElementById("main"));

/** What is on the page now. @type {{place: import("./router.js").Place, answer: any, error: ApiError | null, module?: import("./views/index.js").ViewModule} | null} */
let now = null;
/** Of any answer: the reader's rights and the date. @type {any} */
let meta = null;
let pushesWaiting = 0;
/** @type {AbortController | null} */
let asking = null;

/** @param {boolean} moveFocus */
async function open(moveFocus) {
  const place = parse(location.hash);
  const view = VIEWS[place.name];
  asking?.abort();
  const ours = (asking = new AbortController());
  tellAddress();
  if (!view) {
    now = { place, answer: null, error: new ApiError(404, { state: "error" }) };
    return draw(moveFocus);
  }
  main.setAttribute("aria-busy", "true");
  const wait = setTimeout(() => ours === asking && show(waiting()), now ? 150 : 0);
  try {
    const module = await view.module().catch(() => Promise.reject(new ApiError(0, { state: "error" })));
    const answer = await module.load({ place, signal: ours.signal, get: (path, query) => get(path, { signal: ours.signal, query }) });
    if (ours.signal.aborted) return;
    now = { place, answer, error: null, module };
  } catch (error) {
    if (ours.signal.aborted) return;
    if (!(error instanceof ApiError)) console.error(error);
    now = { place, answer: null, error: error instanceof ApiError ? error : new ApiError(-1, { state: "error" }) };
  } finally {
    clearTimeout(wait);
  }
  if (ours === asking) draw(moveFocus);
}

/** @param {...Node} nodes */
function show(...nodes) {
  dispose();
  fill(main, ...nodes);
}

/** @param {boolean} [moveFocus] */
function draw(moveFocus = false) {
  if (!now) return;
  const { place, answer, error, module } = now;
  const view = VIEWS[place.name];
  meta = answer?.meta ?? meta;
  settle(meta);
  if (typeof answer?.meta?.pushes_waiting === "number") pushesWaiting = answer.meta.pushes_waiting;
  bars(place.name);
  const title = view ? t(view.title) : t("error.404.title");
  if (error || !module) show(h("div", {}, h("h1", { tabindex: -1, class: "visually-hidden" }, title), nothing(error?.trouble ?? { state: "error" }, { again: () => void open(true) })));
  else if (answer?.state === "empty" || answer?.state === "error") show(h("div", {}, h("h1", { tabindex: -1, class: "visually-hidden" }, title), nothing(answer, { again: () => void open(true) })));
  else {
    try {
      show(module.show(answer?.data ?? {}, { place, meta: meta ?? {}, reload: () => open(false), navigate: (hash) => (location.hash = hash) }));
    } catch (reason) {
      console.error(reason);
      show(h("div", {}, h("h1", { tabindex: -1, class: "visually-hidden" }, title), nothing({ state: "error", status: -1 }, { again: () => void open(true) })));
    }
  }
  main.setAttribute("aria-busy", "false");
  const heading = /** @type {HTMLElement | null} */ (main.querySelector("h1"));
  document.title = `${heading?.textContent ?? title} · ${t("product")}`;
  if (moveFocus) {
    scrollTo({ top: 0 });
    heading?.focus({ preventScroll: true });
    announce(heading?.textContent ?? title);
  }
}

/** The bars above and below, in the language in use. @param {string} current */
function bars(current) {
  const links = Object.entries(VIEWS).filter(([, view]) => view.icon);
  const link = (/** @type {[string, import("./views/index.js").View]} */ [name, view]) =>
    h(
      "a",
      { href: to(name), "aria-current": VIEWS[current]?.under === name || current === name ? "page" : null },
      view.icon ? icon(view.icon) : null,
      h("span.word", {}, t(view.short ?? view.title)),
      name === "approvals" && pushesWaiting ? h("span.pin", {}, String(pushesWaiting), h("span.visually-hidden", {}, ` ${t("nav.waiting")}`)) : null,
    );
  const extra = links.filter(([, view]) => view.extra);
  const sheet = h("div.sheet", { id: "sheet", popover: "auto" }, h("ul", {}, extra.map((entry) => h("li", {}, link(entry)))));
  sheet.addEventListener("click", () => sheet.hidePopover());
  fill(
    /** @type {HTMLElement} */ (document.getElementById("top")),
    h(
      "div.bar",
      {},
      h("a.brand", { href: to("overview") }, h("img", { src: "static/icon.svg", alt: "", width: 24, height: 24 }), h("span", {}, t("product"))),
      h(
        "nav.nav",
        { "aria-label": t("nav.label") },
        h(
          "ul",
          {},
          links.map((entry) => h("li", { class: entry[1].extra ? "extra" : "" }, link(entry))),
          h("li.more-item", {}, h("button", { type: "button", popovertarget: "sheet", "aria-current": extra.some(([name]) => name === current || VIEWS[current]?.under === name) ? "page" : null }, icon("ellipsis"), h("span.word", {}, t("nav.more")))),
        ),
      ),
      h("div.tools", {}, languageButton(), themeButton()),
    ),
    sheet,
  );
  const skip = document.getElementById("skip");
  if (skip) {
    skip.textContent = t("nav.skip");
    skip.onclick = (event) => {
      event.preventDefault(); // the hash names the view: it must not become "#main"
      main.focus();
    };
  }
  fill(
    /** @type {HTMLElement} */ (document.getElementById("foot")),
    meta?.business_date ? h("span", {}, t("foot.date", { date: day(meta.business_date, "long") })) : null,
    meta?.suppressed_below ? h("span", {}, t("foot.hidden", { n: meta.suppressed_below, n_text: String(meta.suppressed_below) })) : null,
    h("span", {}, t("foot.private")),
  );
}

function languageButton() {
  const other = i18n.language() === "zh" ? "en" : "zh";
  return h(
    "button.button.slim",
    { type: "button", id: "language", lang: other === "zh" ? "zh-CN" : "en", onclick: () => void speak(other) },
    icon("languages"),
    other === "zh" ? "中文" : "English",
  );
}

/** @param {i18n.Language} language */
async function speak(language) {
  await i18n.use(language, true);
  const top = scrollY;
  draw();
  scrollTo({ top });
  document.getElementById("language")?.focus();
}

function themeButton() {
  const order = /** @type {const} */ (["system", "light", "dark"]);
  const current = theme.chosen();
  const icons = /** @type {const} */ ({ system: "monitor", light: "sun", dark: "moon" });
  const label = t(`theme.${current === "system" && isFramed() ? "airflow" : current}`);
  return h(
    "button.button.icon",
    {
      type: "button",
      id: "theme",
      title: label,
      "aria-label": t("theme.label", { theme: label }),
      onclick: () => {
        theme.choose(order[(order.indexOf(current) + 1) % order.length]);
        draw();
        document.getElementById("theme")?.focus();
      },
    },
    icon(icons[current]),
  );
}

async function start() {
  try {
    await i18n.use(i18n.preferred());
  } catch (error) {
    main.textContent = "The words of this page could not be loaded. Load it again. 无法加载页面文字,请重新加载。";
    throw error;
  }
  bars(parse(location.hash).name);
  addEventListener("hashchange", () => void open(true));
  theme.watch(() => draw());
  addEventListener("storage", (event) => {
    if (event.key === "i18nextLng" || event.key === "retention.language") void i18n.use(i18n.preferred()).then(() => draw());
  });
  await open(false);
  // The other views come when nothing else is to do, so that going there asks for data alone.
  const later = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 300));
  later(() => Object.values(VIEWS).forEach((view) => void view.module().catch(() => null)));
}

void start();
