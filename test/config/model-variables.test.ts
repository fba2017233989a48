import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { ConfigError, type Bindings } from "../../src/index.ts";

const MODEL = { LLM_BASE_URL: "https://model.test/v1", LLM_MODEL: "small" };

function read(variables: Partial<Bindings>) {
  return readConfig({ ...env, LLM_MODEL: "", ...variables });
}

function problemsOf(variables: Partial<Bindings>): readonly string[] {
  try {
    readConfig({ ...env, ...variables });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("the variables of the model", () => {
  it("without LLM_BASE_URL there is no model, and with it the model has its name, key and prices", () => {
    const { LLM_BASE_URL: _url, LLM_MODEL: _model, ...without } = env as Bindings;
    expect(readConfig(without).model).toBeUndefined();
    const prices = { LLM_INPUT_PRICE: "0.15", LLM_OUTPUT_PRICE: "1" };
    expect(read({ ...MODEL, LLM_API_KEY: "k", ...prices }).model).toEqual({
      baseUrl: "https://model.test/v1",
      apiKey: "k",
      model: "small",
      inputPrice: 0.15,
      outputPrice: 1,
    });
    expect(read({ ...MODEL, CHAT_SHARED_PERSONAS: "poet, guide" }).sharedPersonas).toEqual([
      "poet",
      "guide",
    ]);
  });

  it("the deployment is DEPLOYMENT_ID, or else the id of the deployed version", () => {
    const version = { CF_VERSION_METADATA: { id: "v-1" } };
    expect(read({ ...MODEL, ...version }).deployment).toBe("v-1");
    expect(read({ ...MODEL, ...version, DEPLOYMENT_ID: "blue" }).deployment).toBe("blue");
  });

  it.each([
    ["LLM_BASE_URL", { LLM_BASE_URL: "model.test" }],
    ["LLM_BASE_URL", { LLM_BASE_URL: "https://user:secret@model.test/v1" }],
    ["LLM_BASE_URL", { LLM_BASE_URL: "https://model.test/v1?key=secret" }],
    ["LLM_API_KEY", { LLM_API_KEY: "secret key" }],
    ["LLM_INPUT_PRICE", { LLM_INPUT_PRICE: "-1" }],
    ["LLM_OUTPUT_PRICE", { LLM_OUTPUT_PRICE: "1e3" }],
    ["CHAT_SHARED_PERSONAS", { CHAT_SHARED_PERSONAS: "Poet" }],
    ["DEPLOYMENT_ID", { DEPLOYMENT_ID: "a b" }],
  ] as const)("a malformed %s is named without its value", (name, wrong) => {
    const problems = problemsOf({ ...MODEL, ...wrong });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: must be`));
    expect(problems[0]).not.toContain("secret");
  });

  it("LLM_BASE_URL without LLM_MODEL is an error that names LLM_MODEL", () => {
    const { LLM_MODEL: _model, ...without } = { ...(env as Bindings), ...MODEL };
    expect(() => readConfig(without)).toThrow("LLM_MODEL: set it to the name of a model");
  });
});
