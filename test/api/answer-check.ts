/** Compares an answer with what the OpenAPI document says of its operation. */
import type {
  OpenApiDocument,
  OpenApiOperation,
  OpenApiResponse,
} from "../../src/api/operations/openapi.ts";
import type { SchemaValues } from "./schema-values.ts";

/** Fields that HTTP and the platform give to every answer. */
const COMMON = new Set(
  "accept-ranges allow cache-control content-length content-security-policy content-type cross-origin-opener-policy last-modified referrer-policy vary x-content-type-options".split(
    " ",
  ),
);

/** Returns how the answer differs from the document; empty if it does not. */
export async function differences(
  document: OpenApiDocument,
  operation: OpenApiOperation,
  answer: Response,
  values: SchemaValues,
): Promise<readonly string[]> {
  const declared = operation.responses[String(answer.status)];
  if (declared === undefined) return [`the status ${answer.status} is not in the document`];
  const response = resolve(document, declared);
  return [
    ...fieldDifferences(response, answer),
    ...(await bodyDifferences(response, answer, values)),
  ];
}

/** Returns how the answer to a HEAD differs from the document of the GET. It has no body. */
export async function headDifferences(
  document: OpenApiDocument,
  operation: OpenApiOperation,
  answer: Response,
): Promise<readonly string[]> {
  const declared = operation.responses[String(answer.status)];
  if (declared === undefined) return [`the status ${answer.status} is not in the document`];
  const text = await answer.text();
  const body = text === "" ? [] : [`a body: ${text.slice(0, 200)}`];
  return [...fieldDifferences(resolve(document, declared), answer), ...body];
}

function fieldDifferences({ headers = {} }: OpenApiResponse, answer: Response): readonly string[] {
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  return [...answer.headers.keys()]
    .filter((name) => !COMMON.has(name) && !named.has(name))
    .map((name) => `the field ${name} is not in the document`);
}

function resolve(
  { components }: OpenApiDocument,
  declared: OpenApiResponse | { readonly $ref: string },
): OpenApiResponse {
  if (!("$ref" in declared)) return declared;
  const found = components.responses[declared.$ref.replace("#/components/responses/", "")];
  if (found === undefined) throw new Error(`no component ${declared.$ref}`);
  return found;
}

async function bodyDifferences(
  { content = {}, "x-stream": stream }: OpenApiResponse,
  answer: Response,
  values: SchemaValues,
): Promise<readonly string[]> {
  if (stream) {
    answer.webSocket?.accept();
    answer.webSocket?.close();
    await answer.body?.cancel();
    return [];
  }
  const text = await answer.text();
  const type = answer.headers.get("Content-Type")?.split(";")[0] ?? "";
  const media = content[type];
  if (media === undefined)
    return text === "" && Object.keys(content).length === 0
      ? []
      : [`the type ${type || "(none)"} is not in the document: ${text.slice(0, 200)}`];
  const body: unknown = /[/+]json$/.test(type) ? JSON.parse(text) : text;
  return values.matches(media.schema, body)
    ? []
    : [`the body does not match its schema: ${text.slice(0, 500)}`];
}
