/**
 * A model of the database: the outbox as a table, statements of src/writes/outbox.ts, transactions, and
 * a network that delays and loses requests. test/writes runs the same statements on a real Postgres.
 */
import { Param, SQL, StringChunk } from "drizzle-orm";
import { outbox } from "../../src/writes/schema.ts";
import type { BatchItem } from "drizzle-orm/batch";
import { QueryPromise } from "drizzle-orm/query-promise";
import { DeadlineExceeded } from "../../src/core/deadline.ts";
import { fault, type Fault } from "../../src/core/faults.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import type { Returning } from "../../src/writes/mutate.ts";
import type { Database } from "../../src/writes/outbox.ts";
import type { PlantedFault } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

interface Row {
  readonly id: number;
  readonly logKeys: readonly LogKey[];
  readonly lagMs: number;
  readonly createdAt: number;
  number: number | null;
  invalidatedAt: number;
  settled: boolean;
  claimedUntil: number;
  /** How often a number was recorded for the row. */
  numbered: number;
}

export interface OutboxModelOptions {
  readonly time: VirtualTime;
  readonly fault: PlantedFault;
  readonly timeoutMs: number;
  /** Called when the relay has deleted a row, because the log has its log keys. */
  readonly onDelivered: (logKeys: readonly LogKey[], committedAt: number) => void;
  /** Called when a number was recorded for a row, for the `times`-th time. */
  readonly onNumbered: (row: number, times: number) => void;
}

export interface OutboxModel {
  /** The database, for an isolate. An isolate that has ended gets no answer. */
  databaseOf(isAlive: () => boolean): Database;
  /** Whether single requests may be lost without an outage. */
  lossy: boolean;
  outage: "none" | "refused" | "hanging";
  /** The rows that are not delivered yet. */
  readonly open: number;
}

/** Makes the statement of a mutation. `change` returns the rows of its RETURNING clause. */
export function statementOf<T>(change: () => T[]): Returning<T> {
  return new Statement(change, (run) => Promise.resolve(run())) as unknown as Returning<T>;
}

export function createOutboxModel(options: OutboxModelOptions): OutboxModel {
  const { time, fault: planted, timeoutMs, onDelivered, onNumbered } = options;
  const rows = new Map<number, Row>();
  let ids = 0;

  const isFree = (row: Row): boolean => row.claimedUntil < time.now();

  /** Returns the rows that the relay claims, as the SQL selects them. */
  function dueRows(limit: number, verifyAfterMs: number, onlyFree: boolean): Row[] {
    const candidates = [...rows.values()].filter((row) => !onlyFree || isFree(row));
    const open = candidates.filter(({ number }) => number === null).slice(0, limit);
    const due = candidates
      .filter(
        ({ number, invalidatedAt, settled, lagMs }) =>
          number !== null && invalidatedAt <= time.now() - (settled ? verifyAfterMs : lagMs),
      )
      .toSorted((one, other) => one.invalidatedAt - other.invalidatedAt)
      .slice(0, limit);
    return [...open, ...due];
  }

  function insert(logKeys: readonly LogKey[], lagMs: number): Row {
    const row: Row = {
      id: ++ids,
      logKeys,
      lagMs,
      createdAt: time.now(),
      number: null,
      invalidatedAt: 0,
      settled: false,
      claimedUntil: -Infinity,
      numbered: 0,
    };
    rows.set(row.id, row);
    return row;
  }

  /** Runs one statement of src/writes/outbox.ts. Its parameters are in the order of its text. */
  function execute({ text, values }: Flat): { rows: unknown[] } {
    if (text.startsWith("insert into") && text.includes("values (")) {
      const [, lagMs, logKeys] = values as [string, number, readonly LogKey[]];
      return { rows: [answerOf(insert(logKeys, lagMs))] };
    }
    if (text.startsWith("update") && text.includes("set number =")) {
      const [number, settled, numbered] = values as [number, boolean, readonly number[]];
      for (const row of chosen(numbered)) {
        row.number = Math.max(row.number ?? 0, number);
        row.invalidatedAt = time.now();
        row.settled ||= settled;
        row.claimedUntil = -Infinity;
        onNumbered(row.id, ++row.numbered);
      }
      return { rows: [] };
    }
    if (text.startsWith("update") && text.includes("set claimed_until = null")) {
      for (const row of chosen(values[0] as readonly number[])) row.claimedUntil = -Infinity;
      return { rows: [] };
    }
    if (text.startsWith("delete from") && text.includes("using unnest")) {
      const [deleted, numbers] = values as [readonly number[], readonly number[]];
      for (const [at, id] of deleted.entries()) {
        const row = rows.get(id);
        if (row === undefined || row.number !== numbers[at]) continue;
        rows.delete(id);
        onDelivered(row.logKeys, row.createdAt);
      }
      return { rows: [] };
    }
    if (text.startsWith("delete from")) {
      for (const id of values[0] as readonly number[]) rows.delete(id);
      return { rows: [] };
    }
    if (text.startsWith("with open as") && text.includes("for update skip locked")) {
      const [, limit, , verifyAfterMs] = values as [string, number, string, number];
      const onlyFree = planted !== "claims-ignored" && text.includes("claimed_until < now()");
      const claimed = dueRows(limit, verifyAfterMs, onlyFree);
      const claimMs = values.at(-1) as number;
      for (const row of claimed) row.claimedUntil = time.now() + claimMs;
      return { rows: claimed.map(answerOf) };
    }
    if (text.startsWith("select count(*)"))
      return { rows: [{ count: [...rows.values()].filter((row) => row.number === null).length }] };
    if (text.startsWith("select outbox.id")) {
      const [, limit, , verifyAfterMs] = values as [string, number, string, number];
      return { rows: dueRows(limit, verifyAfterMs, false).map(answerOf) };
    }
    throw new Error(`a statement that the model does not know: ${text}`);
  }

  const chosen = (some: readonly number[]): Row[] => some.flatMap((id) => rows.get(id) ?? []);

  function nextInvalidation(): { inMs: number | null }[] {
    const waiting = [...rows.values()].filter(({ number, settled }) => number !== null && !settled);
    const instants = waiting.map(({ invalidatedAt, lagMs }) => invalidatedAt + lagMs);
    return [{ inMs: instants.length === 0 ? null : Math.min(...instants) - time.now() }];
  }

  /** One request. It takes time both ways. It may be lost before or after it is executed, or come late. */
  async function request<T>(isAlive: () => boolean, work: () => T): Promise<T> {
    const fate = model.lossy ? time.random() : 1;
    if (model.outage === "refused") throw new RefusedRequest(fault("origin.rejected", "refused"));
    if (model.outage === "hanging" || fate < 0.03) {
      if (fate < 0.02) time.after(time.random() * timeoutMs * 1.5, work);
      await time.sleep(timeoutMs);
      throw new DeadlineExceeded(timeoutMs);
    }
    await time.sleep(time.random() * 30);
    const value = work();
    await time.sleep(time.random() * 30);
    // The code of an isolate that has ended does not go on.
    if (!isAlive()) await new Promise(() => undefined);
    return value;
  }

  const model: OutboxModel = {
    lossy: true,
    outage: "none",
    get open() {
      return rows.size;
    },
    databaseOf(isAlive) {
      const ask = <T>(work: () => T): Promise<T> => request(isAlive, work);
      const prepare = (statement: SQL) => new Statement(() => execute(flatten(statement)), ask);
      const database = {
        execute: prepare,
        batch: (items: readonly BatchItem<"pg">[]) =>
          ask(() => items.map((item) => (item as unknown as Statement<unknown>).run())),
        select: () => ({ from: () => ({ where: () => new Statement(nextInvalidation, ask) }) }),
      };
      return database as unknown as Database;
    },
  };
  return model;
}

/** A request that the database has refused, so that it changed nothing. */
class RefusedRequest extends Error {
  readonly fault: Fault;
  constructor(cause: Fault) {
    super(cause.message);
    this.fault = cause;
  }
}

/** A statement, which runs alone when it is awaited, or in a transaction with others. */
class Statement<T> extends QueryPromise<T> {
  readonly run: () => T;
  readonly #ask: (run: () => T) => Promise<T>;
  constructor(run: () => T, ask: (run: () => T) => Promise<T>) {
    super();
    this.run = run;
    this.#ask = ask;
  }

  execute(): Promise<T> {
    return this.#ask(this.run);
  }
}

/** Postgres' bigint arrives as text. */
function answerOf({ id, logKeys, number, lagMs, settled }: Row) {
  return {
    id: String(id),
    logKeys,
    number: number === null ? null : String(number),
    lagMs,
    settled,
  };
}

interface Flat {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Returns the text of a statement without its parameters, and the parameters in order. */
function flatten(statement: SQL): Flat {
  const values: unknown[] = [];
  let text = "";
  function add(chunk: unknown): void {
    if (chunk instanceof StringChunk) text += chunk.value.join("");
    else if (chunk instanceof SQL) for (const part of chunk.queryChunks) add(part);
    else if (chunk === outbox) text += "outbox";
    else {
      values.push(chunk instanceof Param ? chunk.value : chunk);
      text += "?";
    }
  }
  add(statement);
  return { text: text.trim(), values };
}
