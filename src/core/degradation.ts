/** The levels of service of an isolate, and the state of the dependencies that they follow from. */
import type { Context } from "./context.ts";
import type { BreakerName } from "./breaker.ts";
import { LEVELS, type DegradationLevel } from "./degradation-level.ts";
import type { Result } from "./result.ts";
import type { EpochMs, Millis } from "./time.ts";

/** `unknown`: no call and no check has ended yet. */
export type DependencyState = "unknown" | "up" | "slow" | "down";

/** The dependencies that no request waits for. They do not change the level of service. */
export type DeliveryName = "queue" | "telemetry";

export interface DependencyReport {
  readonly state: DependencyState;
  /** The instant since which it has this state. */
  readonly since: EpochMs;
}

/** A level that an operator has set. It holds for all isolates until it expires. */
export interface Pin {
  /** The level that the operator has set. */
  readonly level: DegradationLevel;
  /** The instant at which the pin ends, in milliseconds since the epoch. */
  readonly until: EpochMs;
}

/** Keeps the pin of the namespace. */
export interface PinStore {
  load(): Promise<Result<string | undefined>>;
  /** Stores the text for `ttlMs` milliseconds. */
  save(text: string, ttlMs: Millis): Promise<Result<void>>;
  remove(): Promise<Result<void>>;
}

/** The level of service of one isolate, and the states that it follows from. */
export interface DegradationReport {
  /** The level of service of this isolate: that of the pin, or else `measured`. */
  readonly level: DegradationLevel;
  /** The instant since which the isolate has this level. */
  readonly since: EpochMs;
  /** The level that the dependencies alone would give. */
  readonly measured: DegradationLevel;
  /** The pin that is in force. Undefined without one. */
  readonly pin: Pin | undefined;
  /** The state of each dependency that has a breaker. */
  readonly dependencies: Readonly<Record<BreakerName, DependencyReport>>;
  /** The state of the queue and of the collector, from the last deliveries. The level does not follow it. */
  readonly deliveries: Readonly<Record<DeliveryName, DependencyReport>>;
}

/** The level of service of this isolate. */
export interface Degradation {
  /** Returns the level. If it is not normal, checks of the dependencies go on in the background. */
  level(ctx: Context): Promise<DegradationLevel>;
  /** Returns the level and the state of each dependency, and checks the dependencies in the background. */
  report(ctx: Context): Promise<DegradationReport>;
  /** Returns the same from what this isolate knows, without any I/O. */
  known(at: EpochMs): DegradationReport;
  /**
   * Sets the level of all isolates until an instant, or removes what was set. Each isolate knows it
   * within 5 s.
   */
  pin(pin: Pin | undefined, ctx: Context): Promise<Result<void>>;
}

/** Returns the level that the states of the dependencies give. */
export function levelOf(states: Readonly<Record<BreakerName, DependencyState>>): DegradationLevel {
  if (states.sql === "down") return "minimal";
  const works = (state: DependencyState): boolean => state === "up" || state === "unknown";
  return Object.values(states).every(works) ? "normal" : "degraded";
}

/** Returns the pin that a stored text describes; undefined if it describes none, or one that has expired. */
export function readPin(text: string, now: EpochMs): Pin | undefined {
  const [level, until] = text.split(" ");
  const found = LEVELS.find((name) => name === level);
  const at = Number(until);
  return found === undefined || !(at > now) ? undefined : { level: found, until: at };
}

export function writePin({ level, until }: Pin): string {
  return `${level} ${until}`;
}
