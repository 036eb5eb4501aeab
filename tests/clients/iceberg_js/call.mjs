// Reads one JSON object from standard input, `{options, calls: [[method, ...arguments], ..]}`, makes the calls one after
// the other on a catalog of iceberg-js, and prints what each came to: `{value}`, or `{error}` as the client tells it.
// The module of iceberg-js is the only argument.
import { pathToFileURL } from "node:url";

const { IcebergError, IcebergRestCatalog } = await import(pathToFileURL(process.argv[2]));

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { options, calls } = JSON.parse(Buffer.concat(chunks));

const catalog = new IcebergRestCatalog(options);
const outcomes = [];
for (const [method, ...args] of calls) {
  try {
    outcomes.push({ value: (await catalog[method](...args)) ?? null });
  } catch (error) {
    if (!(error instanceof IcebergError)) throw error;
    const { status, icebergType: type, icebergCode: code, message } = error;
    outcomes.push({ error: { status, type, code, message } });
  }
}
process.stdout.write(JSON.stringify(outcomes));
