// What can be asked about an object's settings before there is a way to make any.

import type { Action } from '../access/decide.ts'
import type { Owner } from '../access/principal.ts'
import type { Need } from './need.ts'
import { headObject, type ObjectAddress } from './object.ts'
import type { Query } from './operation.ts'

interface SettingInput extends ObjectAddress {
  readonly versionId?: string | undefined
}

/** Tells who owns an object and so has all rights on it; nobody else can have any. */
export const getObjectAcl: Query<SettingInput, { readonly owner: Owner }> = {
  kind: 'query',
  name: 'GetObjectAcl',
  needs: needs('s3:GetObjectAcl'),
  async check(step, input) {
    await headObject.check(step, { ...input, conditions: {} })
    return { owner: step.owner }
  },
}

/** Tells that an object has no tags. */
export const getObjectTagging: Query<SettingInput, void> = {
  kind: 'query',
  name: 'GetObjectTagging',
  needs: needs('s3:GetObjectTagging'),
  async check(step, input) {
    await headObject.check(step, { ...input, conditions: {} })
  },
}

function needs(action: Action): (input: ObjectAddress) => Need[] {
  return ({ bucket, key }) => [{ action, resource: { kind: 'key', bucket, key } }]
}
