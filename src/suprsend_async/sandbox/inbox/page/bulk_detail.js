// A bulk as one: what became of its events, each of them, and the request that they came in.

import { button, element } from "./dom.js";
import { exchange, section } from "./exchange.js";
import { count, counted, dateAndClock, status } from "./format.js";

const VERDICTS = ["refused", "repeated", "accepted"]; // what catches the eye first

/** What became of a bulk, in few words, and the verdict that gives it its colour. */
export function summary(bulk) {
  const present = VERDICTS.filter((name) => bulk[name]);
  const kept = VERDICTS.reduce((sum, name) => sum + bulk[name], 0);
  const [first] = present;
  const text = present.length === 1 ? `all ${first}` : `${count(bulk[first])} of ${count(kept)} ${first}`;
  return { verdict: first, text };
}

/** What a bulk is called in a row: by the name of its events, if they have one. */
export function bulkName({ names, records }, { name }) {
  return names === 1 && name !== null ? `${name} × ${count(records)}` : `${counted(records, "event")}, mixed`;
}

/**
 * The parts of a bulk's detail.
 *
 * @param {object} found The request as the sandbox gives it.
 * @param {(id: number) => void} onShow Asks for one of its events.
 */
export function bulkParts(found, onShow) {
  const parts = VERDICTS.filter((name) => found[name]).map((name) => `${count(found[name])} ${name}`);
  const { verdict } = summary(found);
  return [
    element(
      "p",
      { class: "outcome", "data-verdict": verdict },
      element("strong", { class: "verdict" }, parts.join(", ")),
    ),
    element("dl", { class: "facts" }, fact("received", dateAndClock(found.received_at)), ...answered(found.response)),
    section(
      "Events",
      element("ol", { class: "records" }, ...ordered(found).map(([place, entry]) => record(place, entry, onShow))),
      ...missing(found),
    ),
    ...exchange(found),
  ];
}

export const bulkTitle = ({ records }) => `Bulk of ${counted(records, "event")}`;

/** The events with their places in the bulk, those that were refused first. */
function ordered({ records, entries }) {
  const first = records - entries.length;
  return entries
    .map((entry, index) => [first + index, entry])
    .sort(([, one], [, other]) => VERDICTS.indexOf(one.verdict) - VERDICTS.indexOf(other.verdict));
}

function record(place, entry, onShow) {
  const name = button(entry.name ?? "no name", () => onShow(entry.id), { class: "link" });
  return element(
    "li",
    { "data-verdict": entry.verdict },
    element("span", { class: "place", title: "Its place in the bulk, the first being 0" }, `${place}`),
    element("span", { class: "verdict" }, status(entry.status_code)),
    name,
    element("span", { class: "distinct_id" }, entry.distinct_id ?? ""),
    element("span", { class: "why" }, entry.reason ?? entry.preview ?? ""),
  );
}

const fact = (name, value) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
const answered = (response) => (response === null ? [] : [fact("answered", `HTTP ${response.status_code}`)]);

function missing({ records, entries }) {
  const gone = records - entries.length;
  return gone > 0 ? [element("p", { class: "none" }, `${counted(gone, "event")} made room for newer ones.`)] : [];
}
