import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";

const FILE = join(import.meta.dirname, "../../src/dashboard/assets/reference/openapi.json");

type Document = { paths: Record<string, Record<string, { operationId: string }>> };

const read = (): Document => JSON.parse(readFileSync(FILE, "utf8")) as Document;

test("the OpenAPI document is valid by the schema of OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(read());
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

test("an OpenAPI document with an unknown kind of parameter is not valid by the schema of OpenAPI 3.1", async () => {
  const spoiled = read();
  spoiled.paths["/products"]!["get"] = {
    ...spoiled.paths["/products"]!["get"]!,
    ...{ parameters: [{ name: "page", in: "body" }] },
  };
  expect((await new Validator().validate(spoiled)).valid).toBe(false);
});

test("each operation of the OpenAPI document has an operationId of its own", () => {
  const ids = Object.values(read().paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  expect(ids.length).toBeGreaterThan(30);
  expect(new Set(ids).size).toBe(ids.length);
});
