/** The files of the viewer of the API reference, which come from its package and are not committed. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FROM = "node_modules/swagger-ui-dist";
const TO = "src/dashboard/assets/reference";

/** The name in the package, and the name among the assets. */
const FILES: readonly (readonly [from: string, to: string])[] = [
  ["swagger-ui-bundle.js", "swagger-ui.js"],
  ["swagger-ui.css", "swagger-ui.css"],
  ["LICENSE", "swagger-ui.LICENSE.txt"],
  ["NOTICE", "swagger-ui.NOTICE.txt"],
  ["swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.js.LICENSE.txt"],
];

/** Copies the files of the installed version beside the page that uses them. */
export function copyViewer(root: string): void {
  mkdirSync(join(root, TO), { recursive: true });
  for (const [from, to] of FILES) copyFileSync(join(root, FROM, from), join(root, TO, to));
}

/** Lists the copies that are missing or of another version. */
export function outdatedCopies(root: string): readonly string[] {
  const differs = (from: string, to: string): boolean =>
    !existsSync(join(root, TO, to)) ||
    !readFileSync(join(root, FROM, from)).equals(readFileSync(join(root, TO, to)));
  return FILES.filter(([from, to]) => differs(from, to)).map(([, to]) => `${TO}/${to}`);
}
