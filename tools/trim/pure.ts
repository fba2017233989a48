/** Marks a module's top-level code as free of side effects, so that a bundler leaves out what nothing uses. */
import { parseSync, type Expression } from "oxc-parser";

const PURE = "/* @__PURE__ */ ";

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * Marks each call that sets a top-level variable as pure, and makes a class with a base class, or the
 * member of an object, the result of such a call. Takes away the top-level calls of `naming`, which only give functions a name.
 */
export function markPure(source: string, naming: string): string {
  const edits: Edit[] = [];
  const insert = (at: number, text: string): void => {
    edits.push({ from: at, to: at, text });
  };
  const markCall = (value: Expression): void => {
    if (value.type === "CallExpression" || value.type === "NewExpression") {
      insert(value.start, PURE);
      for (const argument of value.arguments)
        if (argument.type === "CallExpression") insert(argument.start, PURE);
    } else if (
      value.type === "MemberExpression" ||
      (value.type === "ClassExpression" && value.superClass !== null)
    ) {
      insert(value.start, `${PURE}(() => `);
      insert(value.end, ")()");
    }
  };
  for (const statement of parseSync("module.mjs", source).program.body) {
    if (statement.type === "VariableDeclaration") {
      for (const { init } of statement.declarations) if (init !== null) markCall(init);
    } else if (
      statement.type === "ExpressionStatement" &&
      statement.expression.type === "CallExpression" &&
      statement.expression.callee.type === "Identifier" &&
      statement.expression.callee.name === naming
    ) {
      edits.push({ from: statement.start, to: statement.end, text: "" });
    }
  }
  return edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, edit) => text.slice(0, edit.from) + edit.text + text.slice(edit.to), source);
}
