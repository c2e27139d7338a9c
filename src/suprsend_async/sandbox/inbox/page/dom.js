// Making elements. Whatever events hold goes in as text, so no markup of theirs can come to life.

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Object<string, unknown>} attributes Functions are listeners, `true` is an attribute without a value, and
 *   what is null, undefined or false is left out.
 * @param {...(Node|string|null)} children Strings become text.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(name, value);
    } else if (value === true) {
      made.setAttribute(name, "");
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, String(value));
    }
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Make a button. */
export function button(label, onClick, attributes = {}) {
  return element("button", { type: "button", click: onClick, ...attributes }, label);
}

/** Find the element with this id; the page's own markup has it. */
export function byId(id) {
  return document.getElementById(id);
}
