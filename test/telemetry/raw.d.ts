/** A file's text, as vitest imports it. */
declare module "*?raw" {
  const text: string;
  export default text;
}

/** Many files' texts at once, by path, as Vite imports them. */
interface ImportMeta {
  glob(
    pattern: string,
    options: { query: "?raw"; import: "default"; eager: true },
  ): Readonly<Record<string, string>>;
}
