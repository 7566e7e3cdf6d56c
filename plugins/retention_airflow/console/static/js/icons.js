// @ts-check
/** Icons: always beside words, so never read out. */

import shapes from "../vendor/lucide-1.62.0.js";
import { s } from "./dom.js";

/** @typedef {keyof typeof shapes} IconName */

/**
 * @param {IconName} name
 * @param {string} [classes]
 */
export function icon(name, classes = "") {
  const parts = shapes[name].map(([tag, attributes]) => s(/** @type {string} */ (tag), /** @type {any} */ (attributes)));
  return s(
    "svg",
    {
      class: classes,
      viewBox: "0 0 24 24",
      width: 18,
      height: 18,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 2,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
      "aria-hidden": "true",
      focusable: "false",
    },
    parts,
  );
}
