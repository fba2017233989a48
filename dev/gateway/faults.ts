import { z } from "zod";

/** The gateways that can be made to fail. */
export type FaultTarget = "redis" | "sql" | "otlp";
export type Access = "read" | "write";

const SECONDS_60 = 60_000;

/** The body of `PUT /faults/<target>`. Unknown names are refused: a misspelt fault must not pass. */
const faultSchema = z
  .strictObject({
    /** Added before the answer is sent, after the engine has executed. */
    latencyMs: z.number().min(0).max(SECONDS_60).optional(),
    /** Up to this much more latency, evenly distributed. */
    jitterMs: z.number().min(0).max(SECONDS_60).optional(),
    /** The share of calls that is answered with `status` and not executed. */
    errorRate: z.number().min(0).max(1).optional(),
    /** Status of an injected error; on its own it means every call. */
    status: z.number().int().min(400).max(599).optional(),
    /** `true` is `"after"`: the engine has executed, the answer never comes. */
    hang: z.union([z.boolean(), z.literal("before"), z.literal("after")]).optional(),
    /** The connection is reset instead of an answer. */
    reset: z.boolean().optional(),
    /** Half of the body is sent, then the connection is cut. */
    truncate: z.boolean().optional(),
    /** Restricts the fault to calls that only read, or to calls that write. */
    only: z.enum(["read", "write"]).optional(),
  })
  .describe("fault");

export type Fault = z.infer<typeof faultSchema>;

/** What a fault does to one call, with the dice already thrown. */
export interface FaultPlan {
  /** Answer this status instead of executing. */
  readonly errorStatus: number | undefined;
  readonly hang: "before" | "after" | undefined;
  readonly delayMs: number;
  readonly reset: boolean;
  readonly truncate: boolean;
  /** Resolves when the fault that made this plan is replaced or cleared. */
  readonly released: Promise<void>;
}

interface ActiveFault {
  readonly fault: Fault;
  readonly released: Promise<void>;
  readonly release: () => void;
}

export interface Faults {
  /** Replaces the fault of a target, which releases what the former one held. */
  put(target: FaultTarget, fault: Fault): void;
  /** Removes every fault and releases every hung call. */
  clear(): void;
  list(): Partial<Record<FaultTarget, Fault>>;
  /** The plan for one call, or `undefined` where nothing is injected. */
  plan(target: FaultTarget, access: Access): FaultPlan | undefined;
}

/** Holds the injected faults; `random` gives numbers in [0, 1). */
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
      active.set(target, { fault, released: promise, release: resolve });
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
      const { fault, released } = found;
      if (fault.only !== undefined && fault.only !== access) return undefined;
      const errorRate = fault.errorRate ?? (fault.status === undefined ? 0 : 1);
      return {
        errorStatus: random() < errorRate ? (fault.status ?? 500) : undefined,
        hang: fault.hang === true ? "after" : fault.hang === false ? undefined : fault.hang,
        delayMs: (fault.latencyMs ?? 0) + random() * (fault.jitterMs ?? 0),
        reset: fault.reset ?? false,
        truncate: fault.truncate ?? false,
        released,
      };
    },
  };
}

/** Parses the body of `PUT /faults/<target>`; an error text names each wrong field. */
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
