/** Returns the package that holds a file: `drizzle-orm` of `node_modules/drizzle-orm/sql/sql.js`. Undefined for own files. */
export function packageOfFile(file: string): string | undefined {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/u.exec(file)?.[1];
}
