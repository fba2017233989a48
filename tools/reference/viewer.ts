/** The files of the viewer of the API reference, which come from its package and are not committed. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const TO = "src/dashboard/assets/reference";

/** The name in the package, and the name among the assets. */
const FILES: readonly (readonly [from: string, to: string])[] = [
  ["swagger-ui-bundle.js", "swagger-ui.js"],
  ["swagger-ui.css", "swagger-ui.css"],
  ["LICENSE", "swagger-ui.LICENSE.txt"],
  ["NOTICE", "swagger-ui.NOTICE.txt"],
  ["swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.js.LICENSE.txt"],
];

/** Returns the folder of the installed package. */
function packageFolder(root: string): string {
  const require = createRequire(join(root, "package.json"));
  return dirname(require.resolve("swagger-ui-dist/package.json"));
}

/** Copies the files of the installed version beside the page that uses them. */
export function copyViewer(root: string): void {
  mkdirSync(join(root, TO), { recursive: true });
  const folder = packageFolder(root);
  for (const [from, to] of FILES) copyFileSync(join(folder, from), join(root, TO, to));
}

/** Lists the copies that are missing or of another version. */
export function outdatedCopies(root: string): readonly string[] {
  const folder = packageFolder(root);
  const differs = (from: string, to: string): boolean =>
    !existsSync(join(root, TO, to)) ||
    !readFileSync(join(folder, from)).equals(readFileSync(join(root, TO, to)));
  return FILES.filter(([from, to]) => differs(from, to)).map(([, to]) => `${TO}/${to}`);
}
