/**
 * The options that say how a limiter counts and what it does without Redis. They are checked here
 * and get their defaults.
 */
import { DefinitionError } from "../core/faults.ts";
import { allWindows, type LimitPolicy } from "./limit-policy.ts";

/** The algorithms of `@upstash/ratelimit`. */
export type StockAlgorithm =
  | "upstash-sliding-window"
  | "upstash-fixed-window"
  | "upstash-token-bucket";
/**
 * The algorithm's name. "sliding-window" (two buckets) and "sliding-log" (exact) are Strata's own;
 * the others are those of the package.
 */
export type AlgorithmName = OwnAlgorithm | StockAlgorithm;

/** The algorithms of this project. They need no package. */
export type OwnAlgorithm = "sliding-window" | "sliding-log";

export function isOwnAlgorithm(algorithm: AlgorithmName): algorithm is OwnAlgorithm {
  return algorithm === "sliding-window" || algorithm === "sliding-log";
}

export type Mode = "strict" | "fast";
export type OnUnavailable = "open" | "closed" | "local";

export interface Behaviour {
  readonly mode: Mode;
  readonly onUnavailable: OnUnavailable;
  readonly algorithm: AlgorithmName;
  /** The tokens that an isolate gives on credit, as a share of the narrowest limit. */
  readonly lease: number;
}

export interface BehaviourOptions {
  /** "strict" waits for Redis at every request; "fast" answers from a lease of the isolate. Default "strict". */
  readonly mode?: Mode;
  /**
   * The behaviour without Redis: "open" lets requests pass, "closed" answers 503, "local" counts in
   * this isolate. Default "open".
   */
  readonly onUnavailable?: OnUnavailable;
  /** The algorithm that counts the tokens. Default "sliding-window". */
  readonly algorithm?: AlgorithmName;
  /** The share of a limit that an isolate gives on credit in fast mode: above 0, at most 1. Default 0.1. */
  readonly lease?: number;
}

const ALGORITHMS: readonly AlgorithmName[] = [
  "sliding-window",
  "sliding-log",
  "upstash-sliding-window",
  "upstash-fixed-window",
  "upstash-token-bucket",
];
const MODES: readonly Mode[] = ["strict", "fast"];
const ON_UNAVAILABLE: readonly OnUnavailable[] = ["open", "closed", "local"];

/** The highest limit for "sliding-log". The log stores one member for each token, so its size grows with the limit. */
const MAX_LOG_LIMIT = 1_000;

/** @throws {DefinitionError} that names the wrong field. */
export function defineBehaviour(
  options: BehaviourOptions,
  policies: readonly LimitPolicy[],
): Behaviour {
  const {
    mode = "strict",
    onUnavailable = "open",
    algorithm = "sliding-window",
    lease = 0.1,
  } = options;
  checkChoice("mode", mode, MODES);
  checkChoice("onUnavailable", onUnavailable, ON_UNAVAILABLE);
  checkChoice("algorithm", algorithm, ALGORITHMS);
  if (!(lease > 0 && lease <= 1))
    throw new DefinitionError("lease", "must be more than 0 and at most 1");
  if (mode === "fast" && algorithm !== "sliding-window")
    throw new DefinitionError(
      "mode",
      `must be "strict" for "${algorithm}"; "fast" is for "sliding-window" only`,
    );
  if (
    algorithm === "sliding-log" &&
    allWindows(policies).some(({ limit }) => limit > MAX_LOG_LIMIT)
  )
    throw new DefinitionError(
      "algorithm",
      `"sliding-log" allows limits up to ${MAX_LOG_LIMIT} tokens; use "sliding-window"`,
    );
  return { mode, onUnavailable, algorithm, lease };
}

function checkChoice(field: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value))
    throw new DefinitionError(
      field,
      `must be one of ${choices.map((choice) => `"${choice}"`).join(", ")}`,
    );
}
