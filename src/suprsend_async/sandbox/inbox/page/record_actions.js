// What can be done with a record from its detail: give a message a status, post a webhook once more.

import { moveMessage, replayWebhook } from "./api.js";
import { attempt } from "./clipboard.js";
import { button, element } from "./dom.js";

const STATUSES = { delivered: "Delivered", seen: "Seen", clicked: "Clicked", delivery_failure: "Failed" };
const REASONS = { delivery_failure: "marked as failed on the sandbox's page" }; // of those that need one

/** The buttons of a record; none if nothing can be done with its kind. */
export function actions({ kind, data, can }) {
  if (kind === "messages") {
    const buttons = Object.entries(STATUSES).map(([status, label]) =>
      doing(label, () => moveMessage(data.message_id, status, REASONS[status]), { disabled: !can.includes(status) }),
    );
    return [group("Mark as", buttons)];
  }
  return can.includes("replay") ? [group("Post it once more", [replay(data.webhook_id)])] : [];
}

/** The button that posts a webhook once more. */
export const replay = (id) => doing("Replay", () => replayWebhook(id));

/** A button whose work shows by itself: news tell of it. */
const doing = (label, work, attributes = {}) =>
  button(label, () => attempt(work), { "data-action": label, ...attributes });

function group(title, buttons) {
  const label = element("span", { class: "none" }, title);
  return element("div", { class: "doings", role: "group", "aria-label": title }, label, ...buttons);
}
