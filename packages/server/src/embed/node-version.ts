// Refuses a Node that can't run Holdfast, in a sentence instead of the first error that it meets. Imported before
// everything else.

if (Number.parseInt(process.versions.node, 10) < 24) {
  throw new Error(`Holdfast needs Node 24 or later; this is ${process.version}.`)
}
