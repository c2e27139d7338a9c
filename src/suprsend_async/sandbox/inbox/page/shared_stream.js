// A tab's part in the stream that all tabs share. The worker that holds it lives in the process of one of the tabs and
// ends with it, which the browser tells nobody; so each tab asks whether it is still there.

const BEAT = 3000; // milliseconds in which a worker that lives has answered
const WORKERS = 3; // so many in turn may be silent

export class SharedStream {
  #hear;
  #onFailure;
  #port = null;
  #beat = 0;
  #hasAnswered = false;
  #silent = 0; // workers that were, one after the other

  /** Tell `hear` what the worker tells, {kind, value}; call `onFailure` once if there is none that answers. */
  constructor(hear, onFailure) {
    this.#hear = hear;
    this.#onFailure = onFailure;
    this.#connect();
  }

  look() {
    this.#port.postMessage("look");
    this.#ask();
    clearInterval(this.#beat);
    this.#beat = setInterval(() => this.#check(), BEAT);
  }

  leave() {
    clearInterval(this.#beat);
    this.#port.postMessage("leave");
  }

  /** Make a worker, or join the one that another tab has made. */
  #connect() {
    const worker = new SharedWorker("/_sandbox/static/stream_worker.js", { type: "module", name: "sandbox" });
    const port = worker.port;
    this.#port = port;
    worker.addEventListener("error", () => port === this.#port && this.#giveUp());
    port.addEventListener("message", ({ data }) => port === this.#port && this.#answered(data));
    port.start();
  }

  #ask() {
    this.#hasAnswered = false;
    this.#port.postMessage("ping");
  }

  #answered(message) {
    this.#hasAnswered = true;
    this.#silent = 0;
    if (message.kind !== "pong") {
      this.#hear(message);
    }
  }

  #check() {
    if (this.#hasAnswered) {
      this.#ask();
      return;
    }
    this.#hear({ kind: "state", value: "lost" });
    this.#silent += 1;
    this.leave();
    this.#port.close();
    if (this.#silent < WORKERS) {
      this.#connect();
      this.look(); // the worker's first news bring what was missed
    } else {
      this.#giveUp();
    }
  }

  #giveUp() {
    clearInterval(this.#beat);
    this.#port = null;
    this.#onFailure();
  }
}
