// One event in full: its properties, why it was taken or refused, its history, and the request that it came in.

import { button, element } from "./dom.js";
import { exchange, section } from "./exchange.js";
import { clock, count, dateAndClock, status } from "./format.js";
import { tree } from "./tree.js";

const REASONS = {
  accepted: "The event is valid and was accepted.",
  repeated: "Its idempotency key was known: it is answered as the first one was, and not processed again.",
};

/** The name of what is shown: the event's, or a whole request's method and path. */
export const eventTitle = (found) => (found.records === 0 ? found.preview : (found.name ?? "An event without a name"));

/**
 * The parts of an event's detail; of a whole request those that it has.
 *
 * @param {object} found The entry as the sandbox gives it.
 * @param {{onFilter: (name: string, value: string) => void, onShow: (id: number) => void, onBulk: (id: number) => void}}
 *   listeners `onFilter` asks for the events like this one, `onShow` for another one, `onBulk` for the whole bulk.
 */
export function eventParts(found, listeners) {
  return [
    verdict(found),
    facts(found, listeners),
    ...(found.event === null ? [] : [section("Properties", tree(ownProperties(found.event)))]),
    ...(found.history.length > 1 ? [history(found, listeners.onShow)] : []),
    ...exchange(found),
  ];
}

/** The sender's properties; what the SDK adds is told above. */
function ownProperties(event) {
  const { $ss_sdk_version: _, ...properties } = event.properties ?? {};
  return properties;
}

function verdict(found) {
  return element(
    "p",
    { class: "outcome", "data-verdict": found.verdict },
    element("strong", { class: "verdict" }, `${found.verdict} ${status(found.status_code)}`),
    element("span", {}, found.reason ?? REASONS[found.verdict] ?? ""),
  );
}

function facts(found, { onFilter, onBulk }) {
  const event = found.event ?? {};
  const only = (name, value) => button("show only these", () => onFilter(name, value), { class: "link" });
  const bulk = () => button("show the bulk", () => onBulk(found.request_id), { class: "link" });
  const rows = [
    ["distinct_id", found.distinct_id, only.bind(null, "distinct_id")],
    ["tenant", found.tenant_id, only.bind(null, "tenant_id")],
    ["received", dateAndClock(found.received_at)],
    ["came in", found.records > 1 ? `a bulk of ${count(found.records)}` : null, bulk],
    ["idempotency key", found.idempotency_key],
    ["message id", found.message_id],
    ["insert id", event.$insert_id],
    ["happened", typeof event.$time === "number" ? dateAndClock(event.$time / 1000) : null],
    ["sent by", event.properties?.$ss_sdk_version],
  ];
  const items = rows
    .filter(([, value]) => typeof value === "string")
    .map(([name, value, more]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value, more ? more(value) : null)),
    );
  return element("dl", { class: "facts" }, ...items);
}

function history(found, onShow) {
  const items = found.history.map((entry) => {
    const isThis = entry.id === found.id;
    return element(
      "li",
      { "data-verdict": entry.verdict, "aria-current": isThis },
      button(clock(entry.received_at), () => onShow(entry.id), { class: "link" }),
      element("span", { class: "verdict" }, `${entry.verdict} ${status(entry.status_code)}`),
      element("span", {}, isThis ? "this one" : (entry.reason ?? "")),
    );
  });
  return section(`History of the key (${count(items.length)})`, element("ol", { class: "history" }, ...items));
}
