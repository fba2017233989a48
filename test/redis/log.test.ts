import { describe } from "vitest";
import { describeLog } from "../stores/log-contract.ts";
import { redisSubject } from "./subject.ts";

describe("the shared store in Redis", () => {
  describeLog(redisSubject);
});
