/** Makes the OpenAPI document of the reference API from the declarations in src/api/operations. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Returns a module that stands in for `specifier`: it has the names that the importing file takes from it. */
function standIn(specifier: string, importer: string): string {
  const source = readFileSync(fileURLToPath(importer), "utf8");
  const names = [...source.matchAll(/import \{([^}]*)\} from "([^"]*)"/g)]
    .filter(([, , from]) => from === specifier)
    .flatMap(([, list = ""]) => list.split(","))
    .map((name) => name.trim().replace(/ as .*$/, ""))
    .filter((name) => name !== "" && !name.startsWith("type "));
  return names.map((name) => `export class ${name} {}\n`).join("");
}

interface Declarations {
  readonly createDocument: (operations: unknown) => object;
  readonly operations: unknown;
}

/**
 * Returns the document as text. The sources of the Worker are loaded in Node, which has no
 * `cloudflare:` modules. No declaration uses a value of these modules.
 */
export async function renderApiDocument(root: string): Promise<string> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith("cloudflare:") && context.parentURL !== undefined
        ? {
            url: `data:text/javascript,${encodeURIComponent(standIn(specifier, context.parentURL))}`,
            shortCircuit: true,
          }
        : next(specifier, context),
  });
  try {
    const load = async <Name extends keyof Declarations>(file: string, name: Name) => {
      const url = pathToFileURL(join(root, "src/api/operations", file)).href;
      return ((await import(url)) as Declarations)[name];
    };
    const createDocument = await load("document.ts", "createDocument");
    return `${JSON.stringify(createDocument(await load("all.ts", "operations")), null, 2)}\n`;
  } finally {
    hooks.deregister();
  }
}
