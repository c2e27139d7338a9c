// News from the sandbox while the page is in sight. In a hidden tab they would only pile up.

import { SharedStream } from "./shared_stream.js";
import { Stream } from "./stream.js";

/**
 * Listen for news: `onNews({latest_id, stats})` for each, and `onState("live" | "lost")`.
 * A page that comes back into sight is told the present state at once.
 */
export function listen(onNews, onState) {
  const hear = ({ kind, value }) => (kind === "news" ? onNews(value) : onState(value));
  let way = null;
  const follow = (isLooking) => (isLooking ? way.look() : way.leave());
  const take = (found) => {
    way = found;
    follow(isInSight());
  };
  const alone = () => take(ownStream(hear));
  if ("SharedWorker" in globalThis) {
    take(new SharedStream(hear, alone));
  } else {
    alone();
  }
  document.addEventListener("visibilitychange", () => follow(isInSight()));
  addEventListener("pageshow", () => follow(isInSight()));
  addEventListener("pagehide", () => follow(false));
}

const isInSight = () => document.visibilityState !== "hidden";

function ownStream(hear) {
  const stream = new Stream();
  return { look: () => stream.add(hear), leave: () => stream.remove(hear) };
}
