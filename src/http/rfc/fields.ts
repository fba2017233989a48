/** Header fields, and the grammar that they share: tokens, quoted strings and lists (RFC 9110, 5.5 and 5.6). */

/** Stored header fields in their order, with names in lower case. Several lines with one name stay separate. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** Reads a field's combined value. `Headers` implements it. */
export interface FieldReader {
  get(name: string): string | null;
}

/**
 * Makes a reader of stored fields that works as `Headers` does: it accepts names in any case, and
 * joins several lines by a comma.
 */
export function readerOf(fields: Fields): FieldReader {
  return {
    get(name) {
      const lower = name.toLowerCase();
      let combined: string | null = null;
      for (const [field, value] of fields)
        if (field === lower) combined = combined === null ? value : `${combined}, ${value}`;
      return combined;
    },
  };
}

/** Returns the members of a list that are not empty (RFC 9110, 5.6.1.2). */
export function splitList(value: string, separator = ","): string[] {
  return splitMembers(value, separator).filter((member) => member !== "");
}

/**
 * Returns the members of a list, the empty ones too. A separator inside a quoted string does not separate
 * (RFC 9110, 5.6.1). A quote that is never closed quotes nothing, so that no member hides behind it.
 */
export function splitMembers(value: string, separator = ","): string[] {
  const members: string[] = [];
  let start = 0;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (char === '"') {
      const end = endOfQuoted(value, at);
      if (end === undefined) {
        const [first = "", ...more] = value.slice(at).split(separator);
        return [...members, value.slice(start, at) + first, ...more].map(trimSpace);
      }
      at = end;
    } else if (char === separator) {
      members.push(trimSpace(value.slice(start, at)));
      start = at + 1;
    }
  }
  members.push(trimSpace(value.slice(start)));
  return members;
}

/** Returns the position of the quote that closes the one at `at`; undefined if there is none. */
function endOfQuoted(value: string, at: number): number | undefined {
  for (let next = at + 1; next < value.length; next++)
    if (value[next] === "\\") next++;
    else if (value[next] === '"') return next;
  return undefined;
}

/** Removes spaces and tabs at both ends, in a time that is linear in the length. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Returns whether `text` is a token (RFC 9110, 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Returns the content of a quoted string; undefined if `text` is not exactly one quoted string (RFC 9110, 5.6.4). */
export function unquote(text: string): string | undefined {
  if (text.length < 2 || !text.startsWith('"')) return undefined;
  let inner = "";
  for (let at = 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return at === text.length - 1 ? inner : undefined;
    if (char === "\\") at++;
    inner += text[at] ?? "";
  }
  return undefined;
}

/** Returns the field names in a list, in lower case. Members that are no field name are left out. */
export function parseFieldNames(value: string): string[] {
  return splitList(value)
    .map((name) => name.toLowerCase())
    .filter(isToken);
}
