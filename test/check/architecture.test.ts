/** docs/architecture.md shows the imports that tools/check/architecture.ts allows. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROOMS } from "../../tools/check/architecture.ts";

/** The composition root imports every room of the layer, the configuration, and files beside it. */
const LAYER = ROOMS["compose.ts"]!.filter(
  (room) => room !== "config" && room !== "compose" && !room.endsWith(".ts"),
);

const page = readFileSync("docs/architecture.md", "utf8");

/**
 * Returns the arrows of the picture as "from --> to". An arrow to the layer counts as one to each
 * of its rooms.
 */
function drawnArrows(): readonly string[] {
  const labels = new Map(
    [...page.matchAll(/^ {2}(\w+)\["(.+)"\]$/gmu)].map(([, id, label]) => [id, label]),
  );
  return [...page.matchAll(/^ {2}(\w+) --> (\w+)$/gmu)].flatMap(([, from, to]) =>
    (to === "layer" ? LAYER : [labels.get(to) ?? to]).map(
      (target) => `${labels.get(from) ?? from} --> ${target}`,
    ),
  );
}

/** Returns the arrows of the table. A file in a room counts as the room. */
function allowedArrows(): readonly string[] {
  const arrows = Object.entries(ROOMS).flatMap(([from, targets]) =>
    targets.map((target) => `${from} --> ${target.split("/")[0]}`),
  );
  return [...new Set(arrows)];
}

test("the diagram in docs/architecture.md has an arrow for each allowed import between source folders, and no other arrows", () => {
  expect(drawnArrows().toSorted()).toEqual(allowedArrows().toSorted());
});

test("the box `layer` of the diagram in docs/architecture.md contains the source folders that src/compose.ts may import", () => {
  const group = /subgraph layer .*\n([^]*?)\n {2}end/u.exec(page)?.[1] ?? "";
  const rooms = group.split("\n").map((line) => line.trim());
  expect(rooms.toSorted()).toEqual(LAYER.toSorted());
});

test("every file path that docs/architecture.md names exists", () => {
  const paths = [...page.matchAll(/`((?:src|test|tools)\/[\w./-]+)`/gu)].map(([, path]) => path!);
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});
