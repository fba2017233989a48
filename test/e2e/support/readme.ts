import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./product.ts";

export interface Block {
  /** The heading above the block. */
  readonly heading: string;
  readonly language: string;
  readonly text: string;
}

export interface Document {
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The targets of links to files. */
  readonly links: readonly string[];
}

/** Reads a document of the repository: its text, its code blocks and its links. */
export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), "utf8");
  const blocks: Block[] = [];
  let heading = "";
  for (const [, title, language = "", body] of text.matchAll(
    /^#+ (.*)$|^```(\w*)\n([\s\S]*?)^```$/gm,
  )) {
    if (title !== undefined) heading = title;
    else blocks.push({ heading, language, text: body ?? "" });
  }
  const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].flatMap(([, target]) => target ?? []);
  return { text, blocks, links: links.filter((target) => !/^[a-z]+:/.test(target)) };
}

export interface Command {
  readonly text: string;
  /** The comment beside the command, after `#`. */
  readonly comment: string;
}

/** Reads the commands of a shell block: one per line, continued by `\`. */
export function commandsOf(block: Block): readonly Command[] {
  return block.text
    .split(/(?<!\\)\n/)
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const comment = /\s#\s(.*)$/.exec(line)?.[1] ?? "";
      return { text: line.replace(/\s#\s.*$/, "").trim(), comment: comment.trim() };
    });
}
