/** The text of a file, as Vite imports it. */
declare module "*?raw" {
  const text: string;
  export default text;
}

/** The texts of many files by path, as Vite imports them. */
interface ImportMeta {
  glob(
    pattern: string,
    options: { query: "?raw"; import: "default"; eager: true },
  ): Readonly<Record<string, string>>;
}
