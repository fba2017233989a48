/** The stored form of an answer: its frames and the facts of its end, as JSON. */
import type { AnswerEnd, Batch, Frame } from "../core/answers.ts";
import { invalidationKeyOfTag } from "../core/invalidation-key.ts";
import type { StorableResult } from "../core/entry.ts";
import { jsonTextOf } from "../core/json-text.ts";
import { sha256Hex } from "../core/sha256.ts";

/** A change of the form gets a new number. An entry of another form is a miss. */
const FORM = 1;

const ETAG_DIGITS = 32;

/** Encodes a whole answer. @throws {DefinitionError} if JSON cannot hold a piece */
export async function storableAnswer(
  key: string,
  frames: readonly Frame[],
  info: unknown,
  tags: readonly string[],
): Promise<StorableResult> {
  const body = jsonTextOf({ form: FORM, frames, info }, key);
  const etag = `"${(await sha256Hex(body)).slice(0, ETAG_DIGITS)}"`;
  const invalidationKeys = tags.map(invalidationKeyOfTag);
  return { storable: true, kind: "value", body, etag, invalidationKeys };
}

/** Decodes a stored answer. Undefined if it has another form. */
export function decodeAnswer<P, I>(body: string | Uint8Array): Required<Batch<P, I>> | undefined {
  if (typeof body !== "string") return undefined;
  try {
    const value = JSON.parse(body) as { form: number; frames: readonly Frame<P>[]; info: I };
    if (value.form !== FORM || !Array.isArray(value.frames)) return undefined;
    const end: AnswerEnd<I> = { kind: "whole", storable: true, info: value.info };
    return { frames: value.frames, end };
  } catch {
    return undefined;
  }
}
