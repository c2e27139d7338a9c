// The sandbox's stream of news: one connection for all who listen, open while there are any.

const AGAIN = 1000; // milliseconds until the next try, where the browser itself gives up

export class Stream {
  #listeners = new Set();
  #source = null;
  #latest = new Map(); // what was told last of each kind, for those who come later

  /** Tell a listener what there is to tell from now on: {kind: "state" | "news", value}. */
  add(listener) {
    this.#listeners.add(listener);
    if (this.#source === null) {
      this.#open();
    } else {
      this.#latest.forEach((message) => listener(message));
    }
  }

  /** Tell it no more. */
  remove(listener) {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0 && this.#source !== null) {
      this.#source.close();
      this.#source = null;
      this.#latest.clear();
    }
  }

  #open() {
    const source = new EventSource("/_sandbox/stream");
    this.#source = source;
    source.addEventListener("open", () => this.#tell("state", "live"));
    source.addEventListener("events", (message) => this.#tell("news", JSON.parse(message.data)));
    source.addEventListener("error", () => {
      this.#tell("state", "lost");
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(() => this.#source === source && this.#open(), AGAIN);
      }
    });
  }

  #tell(kind, value) {
    const message = { kind, value };
    this.#latest.set(kind, message);
    this.#listeners.forEach((listener) => listener(message));
  }
}
