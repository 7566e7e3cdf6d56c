// @ts-check
/** Numbers, money and dates as the reader's language writes them. Money comes in minor units and is shown in the base currency. */

import { locale, t } from "./i18n.js";

/** @typedef {{code: string, minor_units: number}} Currency */
/** @typedef {"share" | "count" | "money_minor" | "days" | "points" | "ratio" | "score" | "orders" | "seconds" | "text"} Unit */

/** @type {Currency} */
let currency = { code: "CNY", minor_units: 2 };
let timezone = "Asia/Shanghai";

let thisYear = new Date().getUTCFullYear();

/** @param {{currency?: Currency, timezone?: string, as_of_date?: string} | undefined} meta of a response */
export function settle(meta) {
  if (meta?.as_of_date) thisYear = Number(meta.as_of_date.slice(0, 4));
  if (meta?.currency?.code) currency = meta.currency;
  if (meta?.timezone) timezone = meta.timezone;
}

/** Nothing to show: never a zero that was not measured. */
export const NONE = "–";

/** @type {Map<string, Intl.NumberFormat>} */
const numbers = new Map();
/** @param {Intl.NumberFormatOptions} options */
function numberFormat(options) {
  const key = locale() + JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale(), options)));
  return format;
}

/** @param {any} value @returns {value is number} */
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** @param {any} value @param {number} [digits] */
export const number = (value, digits = 0) => (isNumber(value) ? numberFormat({ maximumFractionDigits: digits }).format(value) : NONE);

/** A count, short where it is long: 12.3K, 1.2万. @param {any} value */
export function count(value) {
  if (!isNumber(value)) return NONE;
  if (Math.abs(value) < 100000) return number(value);
  return numberFormat({ notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** @param {any} value share, 0 to 1 @param {number} [digits] */
export const percent = (value, digits = 1) =>
  isNumber(value) ? numberFormat({ style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value) : NONE;

/** @param {any} minor minor units @param {{short?: boolean, sign?: boolean}} [how] */
export function money(minor, { short = true, sign = false } = {}) {
  if (!isNumber(minor)) return NONE;
  const value = minor / 10 ** currency.minor_units;
  const size = Math.abs(value);
  /** @type {Intl.NumberFormatOptions} */
  const options = { style: "currency", currency: currency.code, currencyDisplay: "narrowSymbol" };
  if (sign) options.signDisplay = "exceptZero";
  if (short && size >= 100000) Object.assign(options, { notation: "compact", minimumFractionDigits: 0, maximumSignificantDigits: 3 });
  else if (size >= 1000) options.maximumFractionDigits = 0;
  return numberFormat(options).format(value);
}

/**
 * A value with its unit.
 * @param {any} value
 * @param {string} unit
 * @param {{short?: boolean}} [how]
 */
export function quantity(value, unit, how = {}) {
  if (!isNumber(value)) return NONE;
  switch (unit) {
    case "share":
      return percent(value);
    case "money_minor":
    case "minor":
      return money(value, how);
    case "days":
      return t("unit.days", { n: value, n_text: number(value, 1) });
    case "seconds":
      return duration(value);
    case "points":
      return number(value, 1);
    case "ratio":
      return `${number(value, 2)}×`;
    case "score":
      return number(value, 2);
    case "count":
    case "orders":
      return Number.isInteger(value) ? count(value) : number(value, 2);
    default:
      return number(value, 3);
  }
}

/**
 * A change, with its sign; of shares in percentage points.
 * @param {any} change
 * @param {string} unit
 */
export function delta(change, unit) {
  if (!isNumber(change)) return NONE;
  const sign = /** @type {const} */ ("exceptZero");
  return minus(signed(change, unit, sign));
}

/** A minus as long as a plus. @param {string} text */
const minus = (text) => text.replaceAll("-", "\u2212");

/** @param {number} change @param {string} unit @param {"exceptZero"} sign */
function signed(change, unit, sign) {
  if (unit === "share") {
    return t("unit.pp", { value: numberFormat({ signDisplay: sign, minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(change * 100) });
  }
  if (unit === "money_minor" || unit === "minor") return money(change, { sign: true });
  if (unit === "relative") return numberFormat({ style: "percent", signDisplay: sign, maximumFractionDigits: 1 }).format(change);
  const digits = unit === "count" ? 0 : 2;
  const text = numberFormat({ signDisplay: sign, maximumFractionDigits: digits }).format(change);
  return unit === "days" ? t("unit.days", { n: Math.abs(change), n_text: text }) : text;
}

/** @param {any} seconds */
export function duration(seconds) {
  if (!isNumber(seconds)) return NONE;
  if (seconds < 90) return t("unit.seconds", { n: seconds, n_text: number(seconds, seconds < 10 ? 1 : 0) });
  if (seconds < 5400) return t("unit.minutes", { n: seconds / 60, n_text: number(seconds / 60, 0) });
  return t("unit.hours", { n: seconds / 3600, n_text: number(seconds / 3600, 1) });
}

/** @param {Intl.DateTimeFormatOptions} options */
const dateFormat = (options) => new Intl.DateTimeFormat(locale(), options);

/** A calendar date (no clock in it, so no time zone either). @param {any} iso @param {"short" | "long" | "month"} [style] */
export function day(iso, style = "short") {
  if (!iso) return NONE;
  const date = new Date(`${String(iso).slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return String(iso);
  if (style === "month") return dateFormat({ timeZone: "UTC", year: "numeric", month: "short" }).format(date);
  if (style === "long") return dateFormat({ timeZone: "UTC", year: "numeric", month: "long", day: "numeric" }).format(date);
  return dateFormat({ timeZone: "UTC", ...yearOf(date), month: "short", day: "numeric" }).format(date);
}

/** The year, where it is not the one that everything else is about. @param {Date} date @returns {Intl.DateTimeFormatOptions} */
const yearOf = (date) => (date.getUTCFullYear() === thisYear ? {} : { year: "numeric" });

/** A moment, in the time zone of the business. @param {any} iso */
export function moment(iso) {
  if (!iso) return NONE;
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return String(iso);
  return dateFormat({ timeZone: timezone, ...yearOf(date), month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }).format(date);
}

/** How long ago, in words. @param {any} iso @param {Date} [now] */
export function ago(iso, now = new Date()) {
  if (!iso) return NONE;
  const seconds = (new Date(iso).getTime() - now.getTime()) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < 5400) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 129600) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86400), "day");
}
