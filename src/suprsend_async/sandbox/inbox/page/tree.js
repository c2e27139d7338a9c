// A value of JSON as a tree that opens and closes.

import { button, element } from "./dom.js";
import { counted } from "./format.js";
import { ExactNumber, isObject } from "./json.js";

const OPEN_AT_MOST = 30; // children; more are closed at first
const STEP = 200; // children shown at once

/** Show the members of an object, or the items of an array. */
export function tree(value, depth = 0) {
  const members = Object.entries(value);
  if (members.length === 0) {
    return element("p", { class: "none" }, Array.isArray(value) ? "An empty array." : "None.");
  }
  const list = element("ul", { class: "tree" });
  addMembers(list, members, 0, depth);
  return list;
}

function addMembers(list, members, from, depth) {
  const until = from + STEP;
  list.append(...members.slice(from, until).map(([name, value]) => member(name, value, depth)));
  if (members.length > until) {
    const more = button(counted(members.length - until, "more item"), () => {
      more.parentElement.remove();
      addMembers(list, members, until, depth);
    });
    list.append(element("li", {}, more));
  }
}

function member(name, value, depth) {
  const key = element("span", { class: "key" }, name);
  if (!isObject(value) && !Array.isArray(value)) {
    return element("li", {}, key, leaf(value));
  }
  const size = Object.keys(value).length;
  const kind = Array.isArray(value) ? `[${size}]` : `{${size}}`;
  const branch = element("details", {}, element("summary", {}, key, element("span", { class: "size" }, kind)));
  // What is closed costs nothing until it is opened.
  branch.addEventListener("toggle", () => branch.append(tree(value, depth + 1)), { once: true });
  branch.open = depth < 2 && size > 0 && size <= OPEN_AT_MOST;
  return element("li", {}, branch);
}

function leaf(value) {
  const kind = value instanceof ExactNumber ? "number" : value === null ? "null" : typeof value;
  const text = kind === "string" ? JSON.stringify(value) : String(value);
  return element("span", { class: `value ${kind}` }, text);
}
