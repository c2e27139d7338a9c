// How numbers, times and verdicts are written.

const COUNT = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const DATE = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

const LAST_DATE = 8.64e12; // seconds

export const count = (number) => COUNT.format(number);

export const plural = (noun) => `${noun.replace(/y$/, "ie")}s`;

export const counted = (number, noun) => `${count(number)} ${number === 1 ? noun : plural(noun)}`;

/** The local time of day, to the millisecond. */
export const clock = (seconds) => CLOCK.format(seconds * 1000);

/** The local date and time; the number itself if it lies beyond all dates. */
export const dateAndClock = (seconds) =>
  Math.abs(seconds) <= LAST_DATE ? `${DATE.format(seconds * 1000)} ${clock(seconds)}` : `${seconds} s`;

/** The status as it is shown; 0 stands for an answer that was never given. */
export const status = (code) => (code === 0 ? "no answer" : String(code));

/** What was found: events, and apart from them the requests that were refused as a whole. */
export function foundIn({ total, wholeRequests }) {
  const events = counted(total - wholeRequests, "event");
  return wholeRequests ? `${events}, ${counted(wholeRequests, "whole request")}` : events;
}
