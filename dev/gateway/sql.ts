import { countQueries, type Counts } from "./counts.ts";
import type { Access } from "./faults.ts";
import type { Answer } from "./http.ts";
import { json } from "./http.ts";
import type { Call, Gateway, GatewayRequest } from "./server.ts";
import type { SqlEngine, SqlQuery, SqlResult } from "../sql/engine.ts";
import { parseText } from "./sql-values.ts";

interface RequestedQuery extends SqlQuery {
  readonly arrayMode: boolean;
}

interface Output {
  readonly rawText: boolean;
}

/** The fields of a Postgres error that Neon passes on besides `message`. */
const ERROR_FIELDS = [
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "severity",
  "where",
  "table",
  "column",
  "schema",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

const ISOLATION_LEVELS: Readonly<Record<string, string>> = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
};

/**
 * Speaks Neon's SQL over HTTP, as `@neondatabase/serverless` uses it: `POST /sql` with `{query,
 * params}` or `{queries: [...]}`.
 */
export function createSqlGateway(engine: SqlEngine, counts: Counts): Gateway {
  return {
    name: "sql",
    failure: (status, message) => json(status, { message, code: null }),
    prepare(request) {
      if (request.path !== "") return json(404, { message: `no such path: /sql${request.path}` });
      if (request.method !== "POST") return json(405, { message: "only POST is supported" });
      const body = parseBody(request);
      if (typeof body === "string") return json(400, { message: body });
      const output: Output = { rawText: flag(request, "neon-raw-text-output") };
      if ("batch" in body) {
        const mode = transactionMode(request);
        if (mode === undefined) return json(400, { message: "invalid Neon-Batch-Isolation-Level" });
        return batchCall(engine, counts, mode, body.batch, output);
      }
      return singleCall(engine, counts, body.single, output);
    },
  };
}

function singleCall(
  engine: SqlEngine,
  counts: Counts,
  query: RequestedQuery,
  output: Output,
): Call {
  return {
    access: accessOf([query]),
    async execute() {
      countQueries(counts, [query]);
      try {
        return json(200, present(await engine.query(query), query, output));
      } catch (error) {
        return sqlError(error);
      }
    },
  };
}

function batchCall(
  engine: SqlEngine,
  counts: Counts,
  mode: string,
  queries: readonly RequestedQuery[],
  output: Output,
): Call {
  return {
    access: accessOf(queries),
    async execute() {
      countQueries(counts, queries);
      try {
        const results = await engine.batch(mode, queries);
        return json(200, {
          results: queries.map((query, index) => present(results[index]!, query, output)),
        });
      } catch (error) {
        return sqlError(error);
      }
    },
  };
}

function flag(request: GatewayRequest, header: string): boolean {
  return String(request.headers[header] ?? "").toLowerCase() === "true";
}

/**
 * Returns the transaction mode that the batch headers ask for, or `undefined` for an unknown
 * isolation level.
 */
function transactionMode(request: GatewayRequest): string | undefined {
  const parts: string[] = [];
  const level = request.headers["neon-batch-isolation-level"];
  if (level !== undefined) {
    const name = ISOLATION_LEVELS[String(level)];
    if (name === undefined) return undefined;
    parts.push(`ISOLATION LEVEL ${name}`);
  }
  if (flag(request, "neon-batch-read-only")) parts.push("READ ONLY");
  if (flag(request, "neon-batch-deferrable")) parts.push("DEFERRABLE");
  return parts.join(" ");
}

type ParsedBody = { single: RequestedQuery } | { batch: readonly RequestedQuery[] };

/** Parses the queries of a body, or returns the text of the error. */
function parseBody(request: GatewayRequest): ParsedBody | string {
  const arrayMode = flag(request, "neon-array-mode");
  let value: unknown;
  try {
    value = JSON.parse(request.body.toString());
  } catch (error) {
    return `invalid JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (typeof value !== "object" || value === null) return "the body must be an object";
  if ("queries" in value) {
    if (!Array.isArray(value.queries)) return "queries must be an array";
    const batch: RequestedQuery[] = [];
    for (const [index, item] of (value.queries as unknown[]).entries()) {
      const query = parseQuery(item, arrayMode);
      if (typeof query === "string") return `queries[${index}]: ${query}`;
      batch.push(query);
    }
    return { batch };
  }
  const single = parseQuery(value, arrayMode);
  return typeof single === "string" ? single : { single };
}

function parseQuery(value: unknown, arrayMode: boolean): RequestedQuery | string {
  if (typeof value !== "object" || value === null) return "must be an object with a query";
  const { query, params = [], arrayMode: own } = value as Record<string, unknown>;
  if (typeof query !== "string") return "query must be a string";
  // Postgres ends the text of a statement at the first zero byte.
  if (query.includes("\0")) return "query must not contain a zero byte";
  if (!Array.isArray(params)) return "params must be an array";
  return {
    text: query.toWellFormed(),
    params: (params as unknown[]).map(parameterText),
    arrayMode: typeof own === "boolean" ? own : arrayMode,
  };
}

/** Converts a JSON parameter to Postgres's text format, as Neon's proxy does. */
function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  // A lone surrogate has no UTF-8 form, so that its byte length would be wrong in the protocol.
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? arrayText(value) : JSON.stringify(value);
}

function arrayText(values: readonly unknown[]): string {
  const items = values.map((value) => {
    if (value === null) return "NULL";
    if (Array.isArray(value)) return arrayText(value);
    const text = parameterText(value) ?? "";
    return typeof value === "number" || typeof value === "boolean" ? text : JSON.stringify(text);
  });
  return `{${items.join(",")}}`;
}

/** Returns "read" if every statement begins as a query and contains no word that writes. */
function accessOf(queries: readonly SqlQuery[]): Access {
  const reads = queries.every(
    ({ text }) =>
      /^[\s(]*(select|with|values|table|show|explain)\b/i.test(text) &&
      !/\b(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into)\b/i.test(text),
  );
  return reads ? "read" : "write";
}

function present(
  result: SqlResult,
  query: RequestedQuery,
  { rawText }: Output,
): Record<string, unknown> {
  const rows = result.rows.map((row) => {
    const values = row.map((text, column) =>
      rawText || text === null ? text : parseText(text, result.fields[column]!.dataTypeID),
    );
    if (query.arrayMode) return values;
    return Object.fromEntries(values.map((value, column) => [result.fields[column]!.name, value]));
  });
  return {
    command: result.command,
    rowCount: result.rowCount,
    rowAsArray: query.arrayMode,
    rows,
    fields: result.fields.map((field) => ({ ...field, format: "text" })),
  };
}

/** Like Neon, answers 400 for an error of Postgres, and 500 if Postgres did not answer. */
function sqlError(error: unknown): Answer {
  const source = (error ?? {}) as Record<string, unknown>;
  const message = error instanceof Error ? error.message : String(error);
  const fields = Object.fromEntries(ERROR_FIELDS.map((name) => [name, source[name] ?? null]));
  const answered = typeof source["code"] === "string" && /^[0-9A-Z]{5}$/.test(source["code"]);
  return json(answered ? 400 : 500, { message, ...fields });
}
