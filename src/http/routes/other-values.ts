/** Values in place of those of a request, with which a key that names them is another one. */

/**
 * Returns another value for a variable; a key that names the variable is another one with it. Undefined
 * if there is none: of an object whose members are read, these members are named, and a variable
 * without a value has no part that a key could leave out.
 */
export function otherVariable(
  value: unknown,
  hasMembers: boolean,
): { readonly value: unknown } | undefined {
  if (typeof value === "string") return { value: otherValueOf(value) };
  if (typeof value === "number") return { value: value + 1 };
  if (typeof value === "boolean") return { value: !value };
  return value === undefined || value === null || hasMembers ? undefined : { value: {} };
}

/** Returns a text of the same form whose last letter or digit is another one. */
export function otherValueOf(text: string): string {
  const other = text.replace(/[a-z0-9](?=[^a-z0-9=]*$)/i, neighbourOf);
  return other === text ? `${text}0` : other;
}

/** Returns the next letter or digit; of a last one, the one before. */
function neighbourOf(char: string): string {
  return String.fromCharCode(char.charCodeAt(0) + (/[zZ9]/.test(char) ? -1 : 1));
}
