/**
 * Returns the form of a message under which equal questions meet: Unicode NFC, one space for each run of
 * white space, none at the ends. Case and punctuation stay, because they can change the answer.
 *
 * @example
 * const suggested = ["How do I return a product?"];
 * const isSuggested = suggested.includes(normalMessage(" How do  I return a product? ")); // true
 */
export function normalMessage(message: string): string {
  return message.normalize("NFC").replaceAll(/\s+/g, " ").trim();
}
