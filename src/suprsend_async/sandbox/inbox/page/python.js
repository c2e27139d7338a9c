// What "copy as Python" and "copy as test" write. Pure functions: an event in, Python source out.

import { ExactNumber } from "./json.js";

const WIDTH = 88;
const STEP = "    ";
// What cannot be seen in an editor, or turns the direction of text there, is written as an escape.
const UNSEEN = /[\u007f-\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g;

/** The `Event(...)` call that makes this event again, its identity included. */
export const asEvent = (event) => literal(eventCall(event));

export function eventCall(event) {
  const { key, properties, attachments } = parts(event);
  return new Call("Event", [
    ["", event.distinct_id],
    ["", event.event],
    ...(Object.keys(properties).length ? [["", properties]] : []),
    // Left out, the insert_id serves as the key.
    ...(key === event.$insert_id ? [] : given("idempotency_key", key)),
    ...given("tenant_id", event.tenant_id),
    ...given("brand_id", event.brand_id),
    ...given("insert_id", event.$insert_id),
    ...given("time", event.$time),
    ...(attachments.length
      ? [
          [
            "attachments=",
            new Call(
              "",
              attachments.map((one) => ["", asAttachment(one)]),
              ",)",
            ),
          ],
        ]
      : []),
  ]);
}

/** A test that expects this event of the code under test. */
export function asTest(event) {
  return [
    `def test_${identifier(event.event)}_is_tracked(suprsend_env, suprsend_sandbox):`,
    `${STEP}...  # call what tracks it; a client made there reaches this test's sandbox`,
    "",
    `${STEP}${literal(trackedCall(event), STEP)}`,
    "",
  ].join("\n");
}

/** The assertion that this event was tracked. */
export function trackedCall(event) {
  const { properties } = parts(event);
  return new Call("suprsend_sandbox.assert_tracked", [
    ["", event.event],
    ...given("distinct_id", event.distinct_id),
    ...given("tenant_id", event.tenant_id),
    ...(Object.keys(properties).length ? [["properties=", properties]] : []),
  ]);
}

/** A Python literal that evaluates to this value of JSON: on one line if it fits, else one line for each item. */
export function literal(value, indent = "") {
  const line = onOneLine(value);
  const shape = shapeOf(value);
  if (shape === null || shape.items.length === 0 || indent.length + line.length <= WIDTH) {
    return line;
  }
  const inner = indent + STEP;
  const lines = shape.items.map(([prefix, item]) => `${inner}${prefix}${literal(item, inner)},\n`);
  return `${shape.open}\n${lines.join("")}${indent}${shape.close.at(-1)}`;
}

/** A call, or with an empty name a tuple; parameters are pairs of `keyword=` (or nothing) and value. */
export class Call {
  constructor(name, parameters, close = ")") {
    this.name = name;
    this.parameters = parameters;
    this.close = close;
  }
}

/** Python that stands as it is. */
export class Source {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

function onOneLine(value) {
  const shape = shapeOf(value);
  if (shape === null) {
    return scalar(value);
  }
  return shape.open + shape.items.map(([prefix, item]) => prefix + onOneLine(item)).join(", ") + shape.close;
}

/** What brackets a value has, and what is in them; null if it has none. */
function shapeOf(value) {
  if (value instanceof Call) {
    return { open: `${value.name}(`, items: value.parameters, close: value.close };
  }
  if (Array.isArray(value)) {
    return { open: "[", items: value.map((item) => ["", item]), close: "]" };
  }
  if (typeof value === "object" && value !== null && !(value instanceof ExactNumber || value instanceof Source)) {
    return { open: "{", items: Object.entries(value).map(([name, item]) => [`${text(name)}: `, item]), close: "}" };
  }
  return null;
}

function scalar(value) {
  if (typeof value === "string") {
    return text(value);
  }
  if (value === null) {
    return "None";
  }
  if (typeof value === "boolean") {
    return value ? "True" : "False";
  }
  return String(value);
}

/** JSON's escapes are Python's as well. */
function text(value) {
  return JSON.stringify(value).replace(
    UNSEEN,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A parameter with its keyword; none if there is no value. */
export const given = (name, value) => (value === undefined || value === null ? [] : [[`${name}=`, value]]);

function parts(event) {
  const { $ss_sdk_version: _, $attachments: attachments, ...properties } = event.properties ?? {};
  return {
    key: event.$idempotency_key,
    properties,
    attachments: Array.isArray(attachments) ? attachments : [],
  };
}

function asAttachment({ url, filename, ignore_if_error: ignore }) {
  return new Call("Attachment", [
    ...given("url", url),
    ...given("filename", filename),
    ...(ignore ? [["ignore_if_error=", true]] : []),
  ]);
}

export function identifier(name) {
  return (
    String(name)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "") || "event"
  );
}
