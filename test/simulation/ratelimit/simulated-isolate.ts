/** Simulated isolates with clocks of their own, which share one ledger. */
import { createContext } from "../../../src/core/context.ts";
import type { Context } from "../../../src/core/context.ts";
import { createAccountTable, type AccountTable } from "../../../src/ratelimit/account-table.ts";
import type { Ledger } from "../../../src/ratelimit/ledger.ts";
import { createLimiter, type Limiter } from "../../../src/ratelimit/limiter.ts";
import { createSettlement, type Settlement } from "../../../src/ratelimit/settlement.ts";
import type { VirtualTime } from "../virtual-time.ts";

export interface SimulatedIsolate {
  readonly limiter: Limiter;
  readonly table: AccountTable;
  readonly settlement: Settlement;
  readonly ctx: Context;
  /** How far this isolate's clock is ahead, in milliseconds. */
  skewMs: number;
}

const TIMEOUT_MS = 500;

export function createSimulatedIsolate(
  ledger: Ledger,
  time: VirtualTime,
  options: { readonly skewMs?: number; readonly maxAccounts?: number } = {},
): SimulatedIsolate {
  const { maxAccounts = 10_000 } = options;
  const table = createAccountTable({ maxAccounts, maxOwing: Math.ceil(maxAccounts / 2) });
  const settlement = createSettlement({ ledger, table, timeoutMs: TIMEOUT_MS });
  const limiter = createLimiter({
    settlement,
    table,
    timeoutMs: TIMEOUT_MS,
    withTimeout: time.withTimeout,
  });
  const ctx = createContext({
    now: () => time.now() + isolate.skewMs,
    host: "simulated.invalid",
    region: "local",
    waitUntil: () => undefined,
    emit: () => undefined,
  });
  const isolate: SimulatedIsolate = {
    limiter,
    table,
    settlement,
    ctx,
    skewMs: options.skewMs ?? 0,
  };
  return isolate;
}
