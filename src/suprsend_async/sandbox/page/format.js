// How numbers, times and verdicts are written.

const COUNT = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const DATE = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

export const count = (number) => COUNT.format(number);

export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** The local time of day, to the millisecond. */
export const clock = (seconds) => CLOCK.format(seconds * 1000);

/** The local date and time. */
export const dateAndClock = (seconds) => `${DATE.format(seconds * 1000)} ${clock(seconds)}`;

/** The status as it is shown; 0 stands for an answer that was never given. */
export const status = (code) => (code === 0 ? "no answer" : String(code));
