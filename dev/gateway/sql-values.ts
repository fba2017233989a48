const BOOL = 16;
const INT2 = 21;
const INT4 = 23;
const JSON_TYPE = 114;
const FLOAT4 = 700;
const FLOAT8 = 701;
const JSONB = 3802;

/**
 * Converts a value to JSON for clients that do not ask for raw text. Like Neon, it converts the
 * types that JSON holds without loss, and leaves every other type as text.
 */
export function parseText(text: string, type: number): unknown {
  switch (type) {
    case BOOL:
      return text === "t";
    case INT2:
    case INT4:
      return Number(text);
    case FLOAT4:
    case FLOAT8: {
      const value = Number(text);
      return Number.isFinite(value) ? value : text;
    }
    case JSON_TYPE:
    case JSONB:
      return JSON.parse(text);
    default:
      return text;
  }
}
