// One server for all test files. Jest's workers inherit the environment, where the AWS SDK finds it.

import { open } from 'holdfast'

/** Called by Jest before all tests. */
export default async function setup() {
  const server = await open({ memory: true, buckets: { photos: { 'sea.jpg': 'blue' } } })
  Object.assign(process.env, server.environment)
  globalThis.holdfast = server
}
