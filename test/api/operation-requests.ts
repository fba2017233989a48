/** Generated requests for one operation of the OpenAPI document. */
import fc from "fast-check";
import type { OpenApiOperation, OpenApiParameter } from "../../src/api/operations/openapi.ts";
import type { SchemaValues } from "./schema-values.ts";

export interface GeneratedRequest {
  /** The path with its parameters and the query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Values that a test knows better than the document: ids of its own rows, by the name of a parameter or member. */
export type Pins = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** The parts of a request by place, before they are put together. */
interface Parts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly header: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/** Texts that are not what most parameters ask for. */
const ODD_TEXTS = ["0", "-1", "1.5", "1e3", "042", "+1", "2147483648", "abc", "1,", " ", "💩"];

export function createRequests(
  path: string,
  operation: OpenApiOperation,
  values: SchemaValues,
  pins: Pins,
) {
  const { parameters = [], requestBody, "x-exactly-one": exclusive = [] } = operation;
  const bodySchema = requestBody?.content["application/json"]?.schema;

  const parameterOf = ({ name, required, schema }: OpenApiParameter) => {
    const value = (pins[name] ?? values.valid(schema)).map(textOf).filter(isSendable);
    return required || exclusive.includes(name) ? value : fc.option(value, { nil: undefined });
  };
  const inPlace = (place: string, left: readonly string[] = []) =>
    fc
      .record(
        Object.fromEntries(
          parameters
            .filter((parameter) => parameter.in === place && !left.includes(parameter.name))
            .map((parameter) => [parameter.name, parameterOf(parameter)]),
        ),
      )
      .map((all) => Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined)));
  const query =
    exclusive.length === 0
      ? inPlace("query")
      : fc.constantFrom(...exclusive).chain((kept) =>
          inPlace(
            "query",
            exclusive.filter((name) => name !== kept),
          ),
        );
  const body =
    bodySchema === undefined ? fc.constant(undefined) : values.valid(bodySchema).chain(withPins);

  /** Replaces pinned members of a body, in half of the bodies. */
  function withPins(value: unknown): fc.Arbitrary<unknown> {
    const pinned = Object.keys(value as Values).filter((name) => pins[name] !== undefined);
    if (pinned.length === 0) return fc.constant(value);
    const replacements = fc.record(Object.fromEntries(pinned.map((name) => [name, pins[name]!])));
    return fc.oneof(
      fc.constant(value),
      replacements.map((members) => ({ ...(value as Values), ...members })),
    );
  }

  const parts: fc.Arbitrary<Parts> = fc.record({
    path: inPlace("path"),
    query,
    header: inPlace("header"),
    body,
  }) as fc.Arbitrary<Parts>;

  /** A text that does not stand for a value of the parameter. */
  const wrongText = ({ schema }: OpenApiParameter) =>
    fc
      .oneof(fc.constantFrom(...ODD_TEXTS), fc.string({ minLength: 1, maxLength: 20 }))
      .filter((text) => isSendable(text) && !values.matches(schema, valueOf(text, schema)));

  /** One change that makes a valid request invalid. */
  const faults: fc.Arbitrary<(valid: Parts) => GeneratedRequest>[] = [
    fc.constant((valid) => assemble(path, { ...valid, query: { ...valid.query, unknown: "1" } })),
    ...parameters
      .filter(({ in: place, schema }) => place !== "header" && isNarrow(schema))
      .map((parameter) =>
        wrongText(parameter).map(
          (text) => (valid: Parts) =>
            assemble(path, {
              ...valid,
              [parameter.in]: { ...valid[parameter.in as "query"], [parameter.name]: text },
            }),
        ),
      ),
    ...parameters
      .filter(({ in: place, required }) => place === "query" && required)
      .map(({ name }) =>
        fc.constant((valid: Parts) => {
          const { [name]: _left, ...query } = valid.query;
          return assemble(path, { ...valid, query });
        }),
      ),
    ...(exclusive.length === 0
      ? []
      : [fc.constant((valid: Parts) => assemble(path, { ...valid, query: {} }))]),
    ...(bodySchema === undefined
      ? []
      : [
          values
            .invalid(bodySchema)
            .map((wrong) => (valid: Parts) => assemble(path, { ...valid, body: wrong })),
          fc.constantFrom("", "{", "\u0000", "undefined").map((text) => (valid: Parts) => ({
            ...assemble(path, valid),
            body: text,
          })),
          fc.constant((valid: Parts) => {
            const request = assemble(path, valid);
            return { ...request, headers: { ...request.headers, "Content-Type": "text/plain" } };
          }),
        ]),
  ];

  return {
    valid: parts.map((valid) => assemble(path, valid)),
    invalid: fc.tuple(parts, fc.oneof(...faults)).map(([valid, spoil]) => spoil(valid)),
  };
}

function assemble(path: string, { path: inPath, query, header, body }: Parts): GeneratedRequest {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(inPath[name] ?? ""),
  );
  const search = new URLSearchParams(query).toString();
  return {
    target: search === "" ? filled : `${filled}?${search}`,
    headers: { ...header, ...(body !== undefined && { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}

/** Returns the text of a parameter. A list is separated by commas. */
function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** Returns the value that a text stands for, or the text if it stands for none. */
function valueOf(text: string, schema: OpenApiParameter["schema"]): unknown {
  if (schema["type"] === "array")
    return text.split(",").map((item) => valueOf(item, schema["items"] as typeof schema));
  if (schema["type"] === "string") return text;
  return /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
}

/** Whether some texts do not match the schema. */
function isNarrow({ type, pattern }: OpenApiParameter["schema"]): boolean {
  return type !== "string" || pattern !== undefined;
}

/** Whether a URL and a header field can carry the text, and a path keeps it as one segment. */
function isSendable(text: string): boolean {
  return text !== "" && text.isWellFormed() && !/^\.{1,2}$/.test(text) && !/[\0\r\n]/.test(text);
}
