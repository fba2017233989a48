/** The queries of the guides beside the registry of metrics. */
import { describe, expect, it } from "vitest";
import runbooks from "../../docs/operations/runbooks.md?raw";
import sizing from "../../docs/operations/sizing.md?raw";
import rules from "../../docs/operations/prometheus/rules.yml?raw";
import { prometheusName } from "../../src/telemetry/metrics/exposition.ts";
import type { Metric } from "../../src/telemetry/metrics/metric.ts";
import { METRICS, type MetricName } from "../../src/telemetry/metrics/registry.ts";

const PAGES = { runbooks, sizing };

/** The labels of each name that a query may use. */
const LABELS = new Map(
  (Object.entries(METRICS) as [MetricName, Metric][]).flatMap(([name, { type, labels }]) => {
    const own = labels.map((label) => label.replaceAll(".", "_"));
    const exposed = prometheusName(name);
    return type === "histogram"
      ? [
          [`${exposed}_bucket`, [...own, "le"]],
          [`${exposed}_sum`, own],
          [`${exposed}_count`, own],
        ]
      : [[exposed, own]];
  }) as [string, readonly string[]][],
);

const queriesOf = (page: string): readonly string[] =>
  [...page.matchAll(/^```promql\n([\s\S]*?)^```$/gm)].flatMap(([, text = ""]) =>
    text.split("\n").filter((line) => line !== ""),
  );

/** The names of metrics and the labels of a query that the registry does not have. */
function unknownIn(query: string): readonly string[] {
  const bare = query.replaceAll(/\bby \([^)]*\)|\{[^}]*\}/g, "");
  const names = bare.match(/\b(?:cache|http|db|telemetry)_\w+/g) ?? [];
  const used = names.filter((name) => LABELS.has(name));
  const known = new Set(used.flatMap((name) => LABELS.get(name) ?? []));
  const labels = [
    ...[...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(", ")),
    ...[...query.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = ""]) => label),
  ];
  return [
    ...(used.length === 0 ? ["no metric"] : []),
    ...names.filter((name) => !LABELS.has(name)),
    ...labels.filter((label) => !known.has(label)),
  ];
}

describe("the guides for operators", () => {
  it.each(Object.entries(PAGES).flatMap(([name, page]) => queriesOf(page).map((q) => [name, q])))(
    "docs/operations/%s.md has the query %s, whose metrics and labels exist",
    (_name, query) => {
      expect(unknownIn(query ?? "")).toEqual([]);
    },
  );

  it("docs/operations/runbooks.md has seven runbooks, each with a symptom, queries, commands and a table of causes", () => {
    const sections = runbooks.split(/^## /m).slice(1);
    expect(sections).toHaveLength(7);
    for (const section of sections) {
      for (const part of ["**Symptom.**", "```promql\n", "```sh\n", "| remedy |"])
        expect(section, section.split("\n")[0]).toContain(part);
    }
  });

  it("each alert whose action names a runbook names one that exists", () => {
    const anchors = [...runbooks.matchAll(/^## (.*)$/gm)].map(([, title = ""]) =>
      title.toLowerCase().replaceAll(" ", "-"),
    );
    const named = [...rules.matchAll(/runbooks\.md#([\w-]+)/g)].map(([, anchor]) => anchor);
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((anchor) => !anchors.includes(anchor ?? ""))).toEqual([]);
  });

  it("the check of queries reports a metric and a label that do not exist", () => {
    expect(unknownIn("sum by (cache_planted) (rate(cache_lookups_total[5m]))")).toEqual([
      "cache_planted",
    ]);
    expect(unknownIn("rate(cache_planted_total[5m])")).toEqual([
      "no metric",
      "cache_planted_total",
    ]);
  });
});
