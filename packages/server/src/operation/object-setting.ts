// What can be asked about an object's settings before there is a way to make any.

import type { Action } from '../access/decide.ts'
import type { Owner } from '../access/principal.ts'
import { headObject, type ObjectAddress } from './object.ts'
import type { Need, ReadOperation } from './operation.ts'

interface SettingInput extends ObjectAddress {
  readonly versionId?: string | undefined
}

/** Tells who owns an object and so has all rights on it; nobody else can have any. */
export const getObjectAcl: ReadOperation<SettingInput, { readonly owner: Owner }> = {
  name: 'GetObjectAcl',
  needs: needs('s3:GetObjectAcl'),
  async check(step, input) {
    await headObject.check(step, { ...input, conditions: {} })
    return { owner: step.principal.owner }
  },
}

/** Tells that an object has no tags. */
export const getObjectTagging: ReadOperation<SettingInput, void> = {
  name: 'GetObjectTagging',
  needs: needs('s3:GetObjectTagging'),
  async check(step, input) {
    await headObject.check(step, { ...input, conditions: {} })
  },
}

function needs(action: Action): (input: ObjectAddress) => Need[] {
  return ({ bucket, key }) => [{ action, bucket, key }]
}
