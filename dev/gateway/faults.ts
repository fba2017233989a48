import { z } from "zod";

/** The gateways into which a fault can be injected. */
export type FaultTarget = "redis" | "sql" | "otlp" | "llm";
export type Access = "read" | "write";

const SECONDS_60 = 60_000;

/**
 * The body of `PUT /faults/<target>`. Unknown fields are an error, so that a misspelt fault does
 * not pass unnoticed.
 */
const faultSchema = z
  .strictObject({
    /** Delay in milliseconds before the answer is sent, after the engine has executed the call. */
    latencyMs: z.number().min(0).max(SECONDS_60).optional(),
    /** Largest random addition to `latencyMs`, evenly distributed. */
    jitterMs: z.number().min(0).max(SECONDS_60).optional(),
    /** Share of the calls, 0 to 1, that get `status` and are not executed. */
    errorRate: z.number().min(0).max(1).optional(),
    /** Status of an injected error. Without `errorRate` every call gets it. */
    status: z.number().int().min(400).max(599).optional(),
    /** The answer never arrives. `true` means `"after"`: the engine has executed the call. */
    hang: z.union([z.boolean(), z.literal("before"), z.literal("after")]).optional(),
    /** Resets the connection instead of answering. */
    reset: z.boolean().optional(),
    /** Sends half of the body, then cuts the connection. */
    truncate: z.boolean().optional(),
    /** Calls that are executed at the same time, with their delay. Further calls wait in line. */
    concurrency: z.number().int().min(1).max(1_000).optional(),
    /**
     * Redis only: the error of every command that writes, `READONLY …` or `OOM …`. Commands that
     * read, and scripts that make no write, are executed.
     */
    refuseWrites: z
      .string()
      .regex(/^[A-Z]+ /)
      .optional(),
    /** The model only: the pause before each chunk of a stream. */
    chunkDelayMs: z.number().min(0).max(SECONDS_60).optional(),
    /** Limits the fault to calls that only read, or to calls that write. */
    only: z.enum(["read", "write"]).optional(),
  })
  .describe("fault");

export type Fault = z.infer<typeof faultSchema>;

/** The effect of a fault on one call, with its random choices already made. */
export interface FaultPlan {
  /** Status to answer instead of executing the call. */
  readonly errorStatus: number | undefined;
  readonly hang: "before" | "after" | undefined;
  readonly delayMs: number;
  readonly reset: boolean;
  readonly truncate: boolean;
  readonly refuseWrites: string | undefined;
  readonly chunkDelayMs: number | undefined;
  /**
   * Waits until fewer than `concurrency` calls of this fault run. Resolves with a function that ends
   * the call's turn.
   */
  readonly enter: () => Promise<() => void>;
  /** Resolves when the fault is replaced or cleared. */
  readonly released: Promise<void>;
}

interface ActiveFault {
  readonly fault: Fault;
  readonly enter: FaultPlan["enter"];
  readonly released: Promise<void>;
  readonly release: () => void;
}

export interface Faults {
  /** Replaces the fault of a target, and releases the calls that the previous fault held. */
  put(target: FaultTarget, fault: Fault): void;
  /** Removes every fault, and releases every held call. */
  clear(): void;
  list(): Partial<Record<FaultTarget, Fault>>;
  /** Returns the plan for one call, or `undefined` if no fault applies. */
  plan(target: FaultTarget, access: Access): FaultPlan | undefined;
}

/** Creates the store of injected faults. `random` returns numbers in [0, 1). */
export function createFaults(random: () => number = Math.random): Faults {
  const active = new Map<FaultTarget, ActiveFault>();

  const drop = (target: FaultTarget): void => {
    active.get(target)?.release();
    active.delete(target);
  };

  return {
    put(target, fault) {
      drop(target);
      const { promise, resolve } = Promise.withResolvers<void>();
      const enter = createLine(fault.concurrency ?? Infinity, promise);
      active.set(target, { fault, enter, released: promise, release: resolve });
    },
    clear() {
      for (const target of [...active.keys()]) drop(target);
    },
    list() {
      return Object.fromEntries([...active].map(([target, { fault }]) => [target, fault]));
    },
    plan(target, access) {
      const found = active.get(target);
      if (!found) return undefined;
      const { fault, enter, released } = found;
      if (fault.only !== undefined && fault.only !== access) return undefined;
      const errorRate = fault.errorRate ?? (fault.status === undefined ? 0 : 1);
      return {
        errorStatus: random() < errorRate ? (fault.status ?? 500) : undefined,
        hang: fault.hang === true ? "after" : fault.hang === false ? undefined : fault.hang,
        delayMs: (fault.latencyMs ?? 0) + random() * (fault.jitterMs ?? 0),
        reset: fault.reset ?? false,
        truncate: fault.truncate ?? false,
        refuseWrites: fault.refuseWrites,
        chunkDelayMs: fault.chunkDelayMs,
        enter,
        released,
      };
    },
  };
}

/** Creates a line in the order of arrival, which lets `most` calls in at a time, and all after `released`. */
function createLine(most: number, released: Promise<void>): FaultPlan["enter"] {
  let running = 0;
  const waiting: (() => void)[] = [];
  void released.then(() => {
    running += waiting.length;
    for (const letIn of waiting.splice(0)) letIn();
  });
  return async () => {
    if (running < most) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return () => {
      const next = waiting.shift();
      // The next call takes over the place of this one.
      if (next === undefined) running -= 1;
      else next();
    };
  };
}

/** Parses the body of `PUT /faults/<target>`. The error text names each wrong field. */
export function parseFault(text: string): { fault: Fault } | { error: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: "the body is not valid JSON" };
  }
  const parsed = faultSchema.safeParse(value);
  if (parsed.success) return { fault: parsed.data };
  const fields = parsed.error.issues.map((issue) =>
    issue.path.length > 0 ? `${issue.path.join(".")}: ${issue.message}` : issue.message,
  );
  return { error: fields.join("; ") };
}
