// Ends the server of global-setup.mjs.

/** Called by Jest after all tests. */
export default async function teardown() {
  await globalThis.holdfast.close()
}
