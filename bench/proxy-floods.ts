/**
 * Measures what floods of clients do to the proxy: requests at the origin, waits, bytes in flight.
 * The product runs on workerd's own port, and behind the proxy of `wrangler dev`. BASE names another
 * checkout that is measured in the same run. FLOODS is a pattern: only floods with such a name run.
 * It reads /proc, so it needs Linux.
 */
import { join } from "node:path";
import { FLOODS } from "./floods/floods.ts";
import { startOrigin } from "./floods/origin.ts";
import { startBehindDevProxy, startOnOwnPort } from "./floods/subjects.ts";
import { save, show } from "./support/report.ts";

const ROOT = join(import.meta.dirname, "..");
const BASE = process.env["BASE"];
const floods = FLOODS.filter(({ name }) => new RegExp(process.env["FLOODS"] ?? "").test(name));

const origin = await startOrigin();
const columns = new Map<string, readonly string[]>();
for (const [checkout, root] of [
  ["", ROOT] as const,
  ...(BASE === undefined ? [] : [[", BASE", BASE] as const]),
])
  for (const [port, start] of [
    ["own port", startOnOwnPort],
    ["dev proxy", startBehindDevProxy],
  ] as const) {
    const subject = await start(root, origin.url);
    const cells: string[] = [];
    try {
      for (const flood of floods) {
        const cell = await flood.run({ subject, origin, id: `s${columns.size}` });
        console.log(`${port}${checkout}: ${flood.name}: ${cell}`);
        cells.push(cell);
      }
    } finally {
      await subject.close();
    }
    columns.set(`${port}${checkout}`, cells);
  }
await origin.close();
const rows = floods.map(({ name }, at) => ({
  flood: name,
  ...Object.fromEntries([...columns].map(([column, cells]) => [column, cells[at] ?? ""])),
}));
show("Floods of the proxy", rows);
save("proxy-floods", rows);
