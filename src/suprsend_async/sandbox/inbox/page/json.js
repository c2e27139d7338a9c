// JSON read so that no number changes: 10.0 stays 10.0, and an integer beyond 2^53 keeps all its digits.

/** A number that JavaScript would not write as it came. */
export class ExactNumber {
  constructor(source) {
    this.source = source;
  }

  toString() {
    return this.source;
  }
}

/** Read JSON. */
export function parseExactly(text) {
  return JSON.parse(text, (_, value, context) => {
    // Browsers that do not tell the source show the number as JavaScript has it.
    const source = context?.source;
    return typeof value === "number" && source !== undefined && String(value) !== source
      ? new ExactNumber(source)
      : value;
  });
}

/** Say whether a value is an object of JSON, and neither an array nor a number. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
