// Holds GraphQL documents and the variables they were sent with against Shopify's Admin schema.
//   node check.mjs admin_VERSION.json.gz sent.json     sent.json: [{"query": "…", "variables": {}}]
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { buildClientSchema, NoDeprecatedCustomRule, parse, specifiedRules, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';

const [schemaFile, sentFile] = process.argv.slice(2);
const packed = JSON.parse(gunzipSync(readFileSync(schemaFile)));
const schema = buildClientSchema(packed.data ?? packed);
const checked = new Set();
let wrong = 0;

for (const { query, variables } of JSON.parse(readFileSync(sentFile))) {
  const document = parse(query);
  const operation = document.definitions.find((d) => d.kind === 'OperationDefinition');
  const problems = [];
  if (!checked.has(query)) {
    checked.add(query);
    problems.push(...validate(schema, document, [...specifiedRules, NoDeprecatedCustomRule]));
  }
  const read = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  problems.push(...(read.errors ?? []));
  for (const problem of problems) console.log(`${operation.name.value}: ${problem.message}`);
  wrong += problems.length;
}
console.log(`${checked.size} documents, ${wrong} problems`);
process.exit(wrong > 0 ? 1 : 0);
