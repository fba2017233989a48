/** The form in which an answer travels from its Durable Object to an isolate: one line of JSON for each event. */
import type { AnswerEnd, Batch, Frame } from "../core/answers.ts";

interface EndLine<I> {
  readonly end: AnswerEnd<I>;
}

/** Encodes a batch. The head of a recording travels in a header instead. */
export function encodeBatch({ frames, end }: Batch): string {
  const lines: unknown[] = end === undefined ? [...frames] : [...frames, { end }];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

export interface BatchDecoder<P, I> {
  /** Takes the next part of the text, and returns what is whole. @throws {SyntaxError} if a line is no JSON */
  feed(text: string): Batch<P, I>;
}

export function createBatchDecoder<P, I>(): BatchDecoder<P, I> {
  let rest = "";
  return {
    feed(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const frames: Frame<P>[] = [];
      let end: AnswerEnd<I> | undefined;
      for (const line of lines) {
        const value = JSON.parse(line) as Frame<P> | EndLine<I>;
        if ("end" in value) end = value.end;
        else frames.push(value);
      }
      return { frames, end };
    },
  };
}
