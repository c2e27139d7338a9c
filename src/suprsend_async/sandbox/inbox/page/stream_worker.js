// One stream for all tabs of a browser: it allows six connections to the sandbox, and a stream keeps one for itself.

import { Stream } from "./stream.js";

const stream = new Stream();

addEventListener("connect", ({ ports: [port] }) => {
  const tell = (message) => port.postMessage(message);
  const answers = {
    look: () => stream.add(tell),
    leave: () => stream.remove(tell),
    ping: () => tell({ kind: "pong" }),
  };
  port.addEventListener("message", ({ data }) => answers[data]());
  port.start();
});
