import type { Stage } from "./stage.ts";

/** What a figure has to reach: at most or at least this value. */
export type Goal = { readonly most: number } | { readonly least: number };

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** "%", "ms", "s", or the things that are counted. */
  readonly unit: string;
  /** A figure without a goal is for information. */
  readonly goal?: Goal;
}

/** One outage or overload, with what it has to show. A trial is a file in trials/. */
export interface Trial {
  readonly about: string;
  run(stage: Stage): Promise<readonly Figure[]>;
}

/** Tests whether a figure reaches its goal. A figure that is not a number does not. */
export function reaches({ value, goal }: Figure): boolean {
  if (goal === undefined) return true;
  return "most" in goal ? value <= goal.most : value >= goal.least;
}
