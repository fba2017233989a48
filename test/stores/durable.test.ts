import { describe } from "vitest";
import { durableSubject } from "./durable-subject.ts";
import { describeEntries } from "./entries-contract.ts";
import { describeErase } from "./erase-contract.ts";
import { describeLog } from "./log-contract.ts";
import { describeLogLife } from "./log-life-contract.ts";

describe.each([
  ["the shared store in one Durable Object", 0],
  ["the shared store with its entries in another Durable Object", 1],
])("%s", (_, shards) => {
  const subject = durableSubject(shards);
  describeEntries(subject);
  describeErase(subject);
  describeLog(subject);
  describeLogLife(subject);
});
