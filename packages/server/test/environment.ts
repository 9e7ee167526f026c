// The environment of commands under test. The developer's shell may have the keys and settings of another
// server, as the README tells it to.

import { devNull } from 'node:os'

const setting = /^(?:AWS_|HOLDFAST_(?!TEST_))/

/** This process's environment without settings of the AWS SDK and of `holdfast`, from files neither. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !setting.test(name))
  return {
    ...Object.fromEntries(kept),
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/** Runs `body` in the plain environment. Runs can't overlap. */
export async function inPlainEnvironment<T>(body: () => Promise<T>): Promise<T> {
  const before = process.env
  process.env = plainEnvironment()
  try {
    return await body()
  } finally {
    process.env = before
  }
}
