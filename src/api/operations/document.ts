/** Makes the OpenAPI 3.1 document from the declarations of the operations. `npm run reference` writes it. */
import { FIELDS, headersOf, OF_CACHED, OF_EVERY_ANSWER, OF_REPLAYS } from "./fields.ts";
import { createJsonSchemas, type JsonSchemas } from "./json-schema.ts";
import type {
  OpenApiDocument,
  OpenApiOperation,
  OpenApiParameter,
  OpenApiResponse,
} from "./openapi.ts";
import type { Answer, Operation, Operations, Parameter, Schema } from "./operation.ts";
import { createProblemResponses, PROBLEM, type ProblemResponses } from "./problem-responses.ts";
import { ownFieldsOf } from "./request-fields.ts";

const INTRODUCTION = `A shop behind a cache with three tiers.

- **Where an answer came from** is in its fields: \`Cache-Status\`, \`X-Cache-Status\`, \`Age\`, \`Server-Timing\`.
- **Errors** are \`application/problem+json\` (RFC 9457). Their \`type\` never changes.
- **Rate limits** are in the fields \`RateLimit-Policy\`, \`RateLimit\` and \`X-RateLimit-*\`. A 429 has \`Retry-After\`.
- **HEAD** is answered wherever GET is.
- **Unknown parameters and members** are refused with 400.`;

const SECURITY = {
  admin: {
    type: "http",
    scheme: "bearer",
    description:
      "A token of `ADMIN_TOKEN` (role `all`) or `ADMIN_TOKENS`. The role `scrape` reads metrics; `read` also reads what is under /admin; `purge` purges and warms; `all` may do everything. After 10 wrong tokens in a minute from one address, or 100 in all, the answer is 429.",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "__Host-session",
    description: "The cookie of `POST /sessions`.",
  },
};

/** Makes the document. @throws {Error} if a declaration contradicts itself */
export function createDocument(operations: Operations): OpenApiDocument {
  const schemas = createJsonSchemas();
  const problems = createProblemResponses();
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = route.split(" ");
    (paths[path] ??= {})[method.toLowerCase()] = describe(
      method,
      path,
      operation,
      schemas,
      problems,
    );
  }
  const tags = [...new Set(Object.values(operations).map(({ tag }) => tag))];
  return {
    openapi: "3.1.0",
    info: {
      title: "Strata reference API",
      version: "0.1.0",
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(SECURITY).filter(([name]) => isUsed(name, paths)),
      ),
      headers: Object.fromEntries(
        Object.entries(FIELDS).map(([name, { description, example }]) => [
          name,
          { description, schema: { type: "string" }, example },
        ]),
      ),
      responses: problems.components,
      schemas: { ...schemas.components, Problem: PROBLEM },
    },
  };
}

function describe(
  method: string,
  path: string,
  operation: Operation,
  schemas: JsonSchemas,
  problems: ProblemResponses,
): OpenApiOperation {
  const { tag, summary, description, body, examples, answers, exactlyOne } = operation;
  const parameters = parametersOf(path, operation, schemas);
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...securityOf(operation),
    ...(parameters.length > 0 && { parameters }),
    ...(exactlyOne && { "x-exactly-one": exactlyOne }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: schemas.of(body, "input"),
            ...(examples && {
              examples: Object.fromEntries(
                Object.entries(examples).map(([name, value]) => [name, { value }]),
              ),
            }),
          },
        },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          responseOf(answer, operation, schemas),
        ]),
      ),
      ...(operation.cached && {
        304: {
          description: "The client has this value already.",
          headers: headersOf([...OF_CACHED, ...OF_EVERY_ANSWER]),
        },
      }),
      ...problems.of(operation),
    },
  };
}

/** Returns the alternatives of credentials. An empty one says that the operation answers without any. */
function securityOf({ role, roleForMore, session }: Operation): Pick<OpenApiOperation, "security"> {
  const admin = role ?? roleForMore;
  const security = [
    ...(role === undefined && session !== "required" ? [{}] : []),
    ...(admin === undefined ? [] : [{ admin: [admin] }]),
    ...(session === undefined ? [] : [{ session: [] }]),
  ];
  return security.length === 1 && Object.keys(security[0] ?? {}).length === 0 ? {} : { security };
}

function isUsed(scheme: string, paths: OpenApiDocument["paths"]): boolean {
  return Object.values(paths)
    .flatMap((item) => Object.values(item))
    .some(({ security = [] }) => security.some((alternative) => scheme in alternative));
}

/** Makes a name for clients that are generated from the document: `getProductsById`. */
function operationId(method: string, path: string): string {
  const words = path.split(/[/-]/).filter((part) => part !== "");
  return [
    method.toLowerCase(),
    ...words.map((word) => {
      const name = word.replaceAll(/[{}]/g, "");
      return `${word.startsWith("{") ? "By" : ""}${name[0]?.toUpperCase()}${name.slice(1)}`;
    }),
  ].join("");
}

function parametersOf(
  path: string,
  operation: Operation,
  schemas: JsonSchemas,
): OpenApiParameter[] {
  const { query, queryNotes = {} } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => {
    const parameter = operation.path?.[name];
    if (parameter === undefined) throw new Error(`${path} does not declare its parameter ${name}`);
    return parameterOf(name, "path", parameter, true, schemas);
  });
  const required = new Set(query && (schemas.of(query, "output")["required"] as string[]));
  const inQuery = Object.entries((query?.shape ?? {}) as Record<string, Schema>).map(
    ([name, schema]) =>
      parameterOf(name, "query", { schema, ...queryNotes[name] }, required.has(name), schemas),
  );
  const inHeader = Object.entries({ ...operation.fields, ...ownFieldsOf(operation) }).map(
    ([name, parameter]) => parameterOf(name, "header", parameter, false, schemas),
  );
  return [...inPath, ...inQuery, ...inHeader];
}

function parameterOf(
  name: string,
  place: OpenApiParameter["in"],
  { schema, description, example }: Parameter,
  required: boolean,
  schemas: JsonSchemas,
): OpenApiParameter {
  // A parameter is text on the wire. The reference names the value that the text stands for.
  const made = schemas.of(schema, "output");
  return {
    name,
    in: place,
    required,
    ...(description !== undefined && { description }),
    schema: made,
    ...(made["type"] === "array" && { style: "form", explode: false }),
    ...(example !== undefined && { example }),
  };
}

function responseOf(answer: Answer, { cached, idempotent }: Operation, schemas: JsonSchemas) {
  const { description, body, type = "application/json", example } = answer;
  const { also = {}, fields = [], stream } = answer;
  const response: OpenApiResponse = {
    description,
    headers: headersOf([
      ...fields,
      ...(cached ? OF_CACHED : []),
      ...(idempotent ? OF_REPLAYS : []),
      ...OF_EVERY_ANSWER,
    ]),
    ...(body !== undefined && {
      content: {
        [type]: {
          schema: schemas.of(body, "output"),
          ...(example !== undefined && { example }),
        },
        ...Object.fromEntries(
          Object.entries(also).map(([name, other]) => [
            name,
            { schema: schemas.of(other, "output") },
          ]),
        ),
      },
    }),
    ...(stream && { "x-stream": true }),
  };
  return response;
}
