// The text printed at the start: the endpoint, and commands to paste.

import type { ServeConfig } from '../../config.ts'
import type { LoadedCredentials } from '../credentials.ts'
import { version } from '../version.ts'

/** The text. Includes the root key's secret if the key is new, or the output is a terminal. */
export function welcome(facts: {
  readonly config: ServeConfig
  readonly credentials: LoadedCredentials
  readonly endpoint: string
  readonly isTerminal: boolean
}): string {
  const { config, credentials, endpoint, isTerminal } = facts
  const { origin, root, file } = credentials
  const lines = [
    `Holdfast ${version()} serves S3 at ${endpoint} (data in ${config.dataFolder})`,
    '',
    `  export AWS_ACCESS_KEY_ID=${root.accessKeyId}`,
  ]
  if (origin === 'made' || (origin === 'found' && isTerminal)) {
    lines.push(`  export AWS_SECRET_ACCESS_KEY=${root.secretAccessKey}`)
  } else {
    lines.push(`  # its secret is in ${file}`)
  }
  const aws = `aws --endpoint-url ${endpoint} s3`
  lines.push(
    `  export AWS_DEFAULT_REGION=${config.region}`,
    '',
    `  ${aws} mb s3://first`,
    `  ${aws} cp package.json s3://first/`,
    `  ${aws} ls s3://first`,
    '',
  )
  return `${lines.join('\n')}\n`
}
