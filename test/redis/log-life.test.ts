import { describe } from "vitest";
import { describeLogLife } from "../stores/log-life-contract.ts";
import { redisSubject } from "./subject.ts";

describe("the shared store in Redis", () => {
  describeLogLife(redisSubject);
});
