/** A strict parser of structured field values (RFC 9651), for the forms that cache fields use. */

export type BareItem =
  | { readonly type: "integer" | "decimal"; readonly value: number }
  | { readonly type: "string" | "token" | "bytes" | "date" | "display"; readonly value: string }
  | { readonly type: "boolean"; readonly value: boolean };
export type Member =
  | BareItem
  | { readonly type: "inner-list"; readonly value: readonly BareItem[] };

interface Cursor {
  readonly text: string;
  at: number;
}

const MALFORMED = Symbol("malformed");
type Malformed = typeof MALFORMED;

/** Parses a dictionary (RFC 9651, 4.2.2). Undefined if it is malformed, so that the whole field is ignored (4.2). */
export function parseDictionary(text: string): ReadonlyMap<string, Member> | undefined {
  const cursor: Cursor = { text, at: 0 };
  const dictionary = new Map<string, Member>();
  skip(cursor, " ");
  while (cursor.at < text.length) {
    const name = take(cursor, KEY);
    if (name === undefined) return undefined;
    let member: Member | Malformed = { type: "boolean", value: true };
    if (eat(cursor, "=")) member = readMember(cursor);
    if (member === MALFORMED || !skipParameters(cursor)) return undefined;
    // RFC 9651, 4.2.2: of several members with one name, the last one is used, in its own position.
    dictionary.delete(name);
    dictionary.set(name, member);
    if (!skipToNextMember(cursor)) return undefined;
  }
  return dictionary;
}

/** Parses a list (RFC 9651, 4.2.1). Undefined if it is malformed. */
export function parseList(text: string): readonly Member[] | undefined {
  const cursor: Cursor = { text, at: 0 };
  const list: Member[] = [];
  skip(cursor, " ");
  while (cursor.at < text.length) {
    const member = readMember(cursor);
    if (member === MALFORMED || !skipParameters(cursor)) return undefined;
    list.push(member);
    if (!skipToNextMember(cursor)) return undefined;
  }
  return list;
}

/** Moves the cursor to the next member or to the end of the text. Returns false if neither follows. */
function skipToNextMember(cursor: Cursor): boolean {
  skip(cursor, " \t");
  if (cursor.at === cursor.text.length) return true;
  if (!eat(cursor, ",")) return false;
  skip(cursor, " \t");
  // RFC 9651, 4.2.1 and 4.2.2: a trailing comma is an error.
  return cursor.at < cursor.text.length;
}

function readMember(cursor: Cursor): Member | Malformed {
  if (!eat(cursor, "(")) return readBareItem(cursor);
  const items: BareItem[] = [];
  for (;;) {
    skip(cursor, " ");
    if (eat(cursor, ")")) return { type: "inner-list", value: items };
    const item = readBareItem(cursor);
    if (item === MALFORMED || !skipParameters(cursor)) return MALFORMED;
    items.push(item);
    const next = cursor.text[cursor.at];
    if (next !== " " && next !== ")") return MALFORMED;
  }
}

/**
 * Parses parameters and ignores them, because no cache field gives them a meaning. Returns false if
 * they are malformed.
 */
function skipParameters(cursor: Cursor): boolean {
  while (eat(cursor, ";")) {
    skip(cursor, " ");
    if (take(cursor, KEY) === undefined) return false;
    if (eat(cursor, "=") && readBareItem(cursor) === MALFORMED) return false;
  }
  return true;
}

const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const NUMBER = /-?\d+(?:\.\d+)?/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const STRING = /"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const BYTES = /:[A-Za-z0-9+/=]*:/y;
const BOOLEAN = /\?[01]/y;
const DATE = /@-?\d{1,15}(?![\d.])/y;
const DISPLAY = /%"(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*"/y;

function readBareItem(cursor: Cursor): BareItem | Malformed {
  const first = cursor.text[cursor.at] ?? "";
  switch (first) {
    case '"': {
      const text = take(cursor, STRING);
      return text === undefined
        ? MALFORMED
        : { type: "string", value: text.slice(1, -1).replaceAll(/\\(["\\])/g, "$1") };
    }
    case ":":
      return textual("bytes", take(cursor, BYTES));
    case "?": {
      const text = take(cursor, BOOLEAN);
      return text === undefined ? MALFORMED : { type: "boolean", value: text === "?1" };
    }
    case "@":
      return textual("date", take(cursor, DATE));
    case "%":
      return textual("display", take(cursor, DISPLAY));
    default: {
      const number = take(cursor, NUMBER);
      return number === undefined ? textual("token", take(cursor, TOKEN)) : numeric(number);
    }
  }
}

function textual(
  type: "token" | "bytes" | "date" | "display",
  value: string | undefined,
): BareItem | Malformed {
  return value === undefined ? MALFORMED : { type, value };
}

/**
 * Parses an integer of at most 15 digits, or a decimal with at most 12 digits before the point and
 * 3 after it (RFC 9651, 4.2.4).
 */
function numeric(text: string): BareItem | Malformed {
  const [whole = "", fraction] = text.replace("-", "").split(".");
  if (fraction === undefined)
    return whole.length > 15 ? MALFORMED : { type: "integer", value: Number(text) };
  if (whole.length > 12 || fraction.length > 3) return MALFORMED;
  return { type: "decimal", value: Number(text) };
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.at += match[0].length;
  return match[0];
}

function eat(cursor: Cursor, char: string): boolean {
  if (cursor.text[cursor.at] !== char) return false;
  cursor.at++;
  return true;
}

function skip(cursor: Cursor, chars: string): void {
  while (cursor.at < cursor.text.length && chars.includes(cursor.text[cursor.at] ?? ""))
    cursor.at++;
}
