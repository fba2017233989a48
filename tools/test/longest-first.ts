/** The order of the test files of one project: the longest first, so that no worker of vitest ends late. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take minutes, the longest first. vitest knows no durations in a fresh clone, and takes large files
 * for long ones. Other files follow in its own order.
 */
const LONGEST = [
  "simulation.test.ts",
  "grouping.test.ts",
  "durable.test.ts",
  "sync-cost.test.ts",
].map((name) => `/test/simulation/${name}`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- the method of vitest, which returns a new list
    const sorted = await super.sort(files);
    const first = LONGEST.flatMap((path) =>
      sorted.filter(({ moduleId }) => moduleId.endsWith(path)),
    );
    const groups = Map.groupBy(sorted, ({ project }) => project.config.sequence.groupOrder);
    return [...groups].flatMap(([order, members]) => {
      const long = first.filter((each) => each.project.config.sequence.groupOrder === order);
      return [...long, ...members.filter((each) => !long.includes(each))];
    });
  }
}
