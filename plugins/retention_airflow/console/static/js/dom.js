// @ts-check
/**
 * Elements, made without HTML strings: what comes from data can only ever become text.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Child | any[]} Children lists may hold lists
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element.
 * @param {string} tag name, with classes: "p.note.quiet"
 * @param {Record<string, any>} [props] attributes; `on…` are listeners, `style` an object of custom properties, `data` of data-*
 * @param {...Children} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  apply(element, props);
  append(element, children);
  return element;
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...Children} children
 * @returns {SVGElement}
 */
export function s(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElementNS(SVG, name);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  apply(element, props);
  append(element, children);
  return element;
}

/**
 * @param {HTMLElement | SVGElement} element
 * @param {Record<string, any>} props
 */
function apply(element, props) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [name, v] of Object.entries(value)) element.style.setProperty(name, String(v));
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "class") for (const one of String(value).split(" ").filter(Boolean)) element.classList.add(one);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
}

/**
 * @param {Element | DocumentFragment} parent
 * @param {Children[]} children
 */
export function append(parent, children) {
  for (const child of /** @type {Child[]} */ (children.flat(4))) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Replace what an element holds.
 * @param {Element} parent
 * @param {...Children} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

let lastId = 0;
/** A new id, to tie labels and descriptions to what they belong to. */
export const newId = (prefix = "e") => `${prefix}-${(lastId += 1)}`;

/**
 * Say something to people who do not see the page change.
 * @param {string} text
 */
export function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}
