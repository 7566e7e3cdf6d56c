// @ts-check
/** Words of the page, in English and Chinese. Words of the data come with the data, in both languages. */

import { read, write } from "./storage.js";

/** @typedef {"en" | "zh"} Language */

/** @type {Language} */
let current = "en";
/** @type {Map<Language, Record<string, string>>} */
const loaded = new Map();
/** @type {Intl.PluralRules} */
let plural = new Intl.PluralRules("en");
const told = new Set();

/** The reader's language: chosen here, else chosen in Airflow, else the browser's. @returns {Language} */
export function preferred() {
  const chosen = read("retention.language");
  if (chosen === "en" || chosen === "zh") return chosen;
  const wishes = [read("i18nextLng"), ...(navigator.languages ?? [navigator.language])];
  for (const wish of wishes) {
    if (wish?.toLowerCase().startsWith("zh")) return "zh";
    if (wish?.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

/**
 * Load a language's words and use them from now on.
 * @param {Language} language
 * @param {boolean} [remember]
 */
export async function use(language, remember = false) {
  if (!loaded.has(language)) {
    const response = await fetch(new URL(`../i18n/${language}.json`, import.meta.url));
    if (!response.ok) throw new Error(`i18n/${language}.json: ${response.status}`);
    loaded.set(language, flatten(await response.json()));
  }
  current = language;
  plural = new Intl.PluralRules(locale());
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  if (remember) write("retention.language", language);
}

/** @param {Record<string, any>} tree @returns {Record<string, string>} */
function flatten(tree, prefix = "") {
  /** @type {Record<string, string>} */
  const words = {};
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") words[prefix + key] = value;
    else Object.assign(words, flatten(value, `${prefix}${key}.`));
  }
  return words;
}

/** The language in use. */
export const language = () => current;

/** The language in use as Intl names it. */
export const locale = () => (current === "zh" ? "zh-CN" : "en");

/** Whether there are words for a key. @param {string} key */
export const has = (key) => key in (loaded.get(current) ?? {});

/**
 * The words for a key. `{name}` is filled in; with `count`, the plural form "key.one" or "key.other" is taken.
 * @param {string} key
 * @param {Record<string, string | number>} [params]
 * @returns {string}
 */
export function t(key, params = {}) {
  const words = loaded.get(current) ?? {};
  const form = typeof params.n === "number" ? `${key}.${plural.select(params.n)}` : key;
  const text = words[form] ?? words[`${key}.other`] ?? words[key];
  if (text === undefined) {
    if (!told.has(key)) console.warn(`no words for ${key} in ${current}`);
    told.add(key);
    return key;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(params[name === "n" ? "n_text" : name] ?? params[name] ?? whole));
}

/**
 * A label of the data in the language in use: {en, zh}, or the fields label/label_zh and the like, or text.
 * @param {any} label
 * @param {string} [otherwise]
 * @returns {string}
 */
export function pick(label, otherwise = "") {
  if (label === null || label === undefined) return otherwise;
  if (typeof label === "object") return label[current] ?? label.en ?? label.zh ?? otherwise;
  return String(label);
}
