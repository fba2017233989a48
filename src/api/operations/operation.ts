/** The declaration of a route for the API reference. The Worker does not load these declarations. */
import * as z from "zod/mini";
import type { AdminRole } from "../../index.ts";
import type { FieldName } from "./fields.ts";
import type { ProblemType } from "./problems.ts";

/**
 * Additions of the reference to a schema: an `id` makes it a named component, and
 * the other members are keywords of JSON Schema. They are added to the derived ones, and replace them.
 */
export interface Description {
  readonly id?: string;
  readonly [keyword: string]: unknown;
}

/** The descriptions of schemas. `schema.register(described, …)` adds one. */
export const described = z.registry<Description>();

/** One request or answer body, or one parameter. */
export type Schema = z.ZodMiniType;

/** One parameter: its schema, and what the reference says of it. */
export interface Parameter {
  readonly schema: Schema;
  readonly description?: string;
  /** A value. The page of the reference fills it in, so an optional parameter is better without. */
  readonly example?: string | number | readonly number[];
}

/** One answer of an operation that is not a problem. */
export interface Answer {
  readonly description: string;
  /** The schema of the body. An answer without one has no body. */
  readonly body?: Schema;
  /** The media type of the body. Default `application/json`. */
  readonly type?: string;
  /** The other media types that the body may have, with the schema of each. */
  readonly also?: Readonly<Record<string, Schema>>;
  /** A body that matches the schema. */
  readonly example?: unknown;
  /** The response fields of this answer beside those that every answer has. */
  readonly fields?: readonly FieldName[];
  /** The body is a stream without an end: server-sent events, for example. */
  readonly stream?: true;
}

/** One method of one path. */
export interface Operation {
  /** The heading of the reference under which the operation stands. */
  readonly tag: string;
  /** One sentence: what the operation does. */
  readonly summary: string;
  /** More sentences, in Markdown. */
  readonly description?: string;
  /** The parameters in the path, by name. */
  readonly path?: Readonly<Record<string, Parameter>>;
  /** The schema of all query parameters. Each member becomes one parameter. */
  readonly query?: z.ZodMiniObject;
  /** Texts of the reference for the query parameters, by name. */
  readonly queryNotes?: Readonly<Record<string, Omit<Parameter, "schema">>>;
  /** Query parameters of which a request has exactly one. */
  readonly exactlyOne?: readonly string[];
  /** Request fields that change the answer. */
  readonly fields?: Readonly<Record<string, Parameter>>;
  /** The schema of the body, as JSON. */
  readonly body?: Schema;
  /** Bodies that match the schema, by a short name. */
  readonly examples?: Readonly<Record<string, unknown>>;
  /** The answers that are not problems, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /**
   * The problems that only this operation answers. Those of tokens, rate limits, inputs, bodies and
   * idempotency keys follow from the other members.
   */
  readonly problems?: readonly ProblemType[];
  /** The role that a token needs. Without it the operation is open. */
  readonly role?: AdminRole;
  /** The role whose token gets more fields. A request without a token gets the others. */
  readonly roleForMore?: AdminRole;
  /** Whether the operation needs the session cookie, or answers differently with it. */
  readonly session?: "required" | "optional";
  /** The answer may come from the cache: it has an ETag, and `If-None-Match` gets a 304. */
  readonly cached?: true;
  /** The operation takes the field `Idempotency-Key`. */
  readonly idempotent?: true;
}

/** Operations by method and path, such as `GET /products/{id}`. */
export type Operations = Readonly<Record<`${string} /${string}`, Operation>>;
