import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Acl, Grant } from './acl.ts'
import { cannedAcl } from './canned-acl.ts'
import { type BucketFacts, decide, type ObjectFacts, type Question } from './decide.ts'
import type { ObjectOwnership } from './ownership.ts'
import { compilePolicy } from './policy/compile.ts'
import { principal } from './policy/policy.fixture.ts'
import { allBlocked, nothingBlocked, type PublicAccessBlock } from './public-access-block.ts'
import { isAllowed, type PlainQuestion, type PlainStatement } from './reference.fixture.ts'

const bucketName = 'photos'
const callers = ['owner', 'ann', 'bob', undefined] as const
const ownerships: readonly ObjectOwnership[] = [
  'BucketOwnerEnforced',
  'BucketOwnerPreferred',
  'ObjectWriter',
]
const keyActions = [
  ...['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:GetObjectAcl', 's3:PutObjectAcl'],
  ...['s3:GetObjectTagging', 's3:PutObjectTagging'],
] as const
const bucketOnlyActions = [
  ...['s3:ListBucket', 's3:GetBucketAcl', 's3:PutBucketAcl', 's3:GetBucketCORS'],
  ...['s3:PutBucketPolicy', 's3:DeleteBucket'],
] as const
type TestAction = (typeof keyActions)[number] | (typeof bucketOnlyActions)[number]

function isKeyAction(action: TestAction): boolean {
  return keyActions.some((each) => each === action)
}

const blocks: readonly PublicAccessBlock[] = [
  nothingBlocked,
  { ...nothingBlocked, ignorePublicAcls: true },
  { ...nothingBlocked, restrictPublicBuckets: true },
  allBlocked,
]

function ownerGrant(id: string, permission: Grant['permission']): Grant {
  return { grantee: { kind: 'owner', id }, permission }
}

const subject = { kind: 'object', ownerId: 'owner', bucketOwnerId: 'owner' } as const
const acls: readonly (Acl | undefined)[] = [
  undefined,
  cannedAcl('public-read', subject),
  cannedAcl('public-read-write', subject),
  cannedAcl('authenticated-read', subject),
  { grants: [ownerGrant('owner', 'FULL_CONTROL'), ownerGrant('ann', 'READ')] },
  { grants: [ownerGrant('ann', 'FULL_CONTROL')] },
  { grants: [] },
]

function objectOf(ownerId: string, acl: Acl | undefined, state: string): ObjectFacts {
  return { ownerId, acl, tags: { state } }
}

const objects: readonly (ObjectFacts | 'absent')[] = [
  'absent',
  objectOf('owner', undefined, 'done'),
  objectOf('owner', cannedAcl('public-read', subject), 'open'),
  objectOf(
    'owner',
    { grants: [ownerGrant('ann', 'READ'), ownerGrant('bob', 'WRITE_ACP')] },
    'done',
  ),
  objectOf('ann', undefined, 'done'),
  objectOf('ann', cannedAcl('authenticated-read', { ...subject, ownerId: 'ann' }), 'open'),
  objectOf('ann', { grants: [ownerGrant('owner', 'READ_ACP')] }, 'open'),
]

const everything = ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*']

/** An Allow of everything to everybody, but for the given elements. */
function plain(elements: Partial<PlainStatement> = {}): PlainStatement {
  return { Effect: 'Allow', Principal: '*', Action: ['s3:*'], Resource: everything, ...elements }
}

const policies: readonly (readonly PlainStatement[])[] = [
  [],
  [plain()],
  [plain({ Principal: { AWS: ['ann'] }, Action: ['s3:GetObject', 's3:ListBucket'] })],
  [plain({ Effect: 'Deny', Action: ['s3:PutObject*', 's3:ListBucket'] }), plain()],
  [
    plain({ Principal: { AWS: ['ann'] } }),
    plain({ Effect: 'Deny', Principal: { AWS: ['ann', 'owner'] } }),
  ],
  [
    plain({ Principal: { AWS: ['bob'] } }),
    plain({
      Effect: 'Deny',
      Condition: { StringEquals: { 's3:ExistingObjectTag/state': ['open'] } },
    }),
  ],
  [plain({ Condition: { StringEquals: { 's3:ExistingObjectTag/state': ['done'] } } })],
]

/** The same question for both implementations. */
function asked(plainQuestion: PlainQuestion, action: TestAction): Question {
  const { caller, key, userAgent, bucket, statements, object } = plainQuestion
  const policy =
    statements.length === 0 ? undefined : compiledOnce(JSON.stringify({ Statement: statements }))
  return {
    action,
    context: {
      principal: caller === undefined ? undefined : principal(caller),
      headers: { 'user-agent': userAgent },
    },
    resource:
      key === undefined
        ? { kind: 'bucket', bucket: bucketName }
        : { kind: 'key', bucket: bucketName, key },
    bucket: { ...bucket, policy },
    object,
    nowMs: 0,
  }
}

const compiledPolicies = new Map<string, BucketFacts['policy']>()

function compiledOnce(text: string): BucketFacts['policy'] {
  const known = compiledPolicies.get(text) ?? compilePolicy(text, bucketName)
  compiledPolicies.set(text, known)
  return known
}

/** Compares both, without the object first: what is then decided must hold for every object. */
function compare(facts: Omit<PlainQuestion, 'isPolicyPublic'>, action: TestAction): void {
  const question = asked({ ...facts, isPolicyPublic: false }, action)
  const isPolicyPublic = question.bucket?.policy?.isPublic ?? false
  const expected = isAllowed({ ...facts, isPolicyPublic }) ? 'allow' : 'deny'
  const { object, ...withoutObject } = question
  const context = (): string => JSON.stringify(facts)
  if (decide(question).effect !== expected)
    assert.equal(decide(question).effect, expected, context())
  const early = decide(withoutObject).effect
  if (early !== 'undecided' && early !== expected) assert.equal(early, expected, context())
}

test('the decision is that of the rules, for each combination', () => {
  let count = 0
  for (const ownership of ownerships) {
    for (const block of blocks) {
      for (const acl of acls) {
        const bucket = { ownerId: 'owner', region: 'eu-west-1', ownership, block, acl }
        for (const statements of policies) {
          for (const caller of callers) {
            const facts = { caller, bucketName, userAgent: 'curl', bucket, statements }
            for (const action of bucketOnlyActions) {
              compare({ ...facts, action, key: undefined, object: 'absent' }, action)
              count++
            }
            for (const action of keyActions) {
              for (const object of objects) {
                compare({ ...facts, action, key: 'a/b.jpg', object }, action)
                count++
              }
            }
          }
        }
      }
    }
  }
  assert.equal(count, 3 * 4 * 7 * 7 * 4 * (6 + 7 * 7))
})

const names = fc.subarray(['owner', 'ann', 'bob'], { minLength: 1 })
const principals = fc.oneof(
  fc.constant({ Principal: '*' as const }),
  names.map((AWS) => ({ Principal: { AWS } })),
  names.map((AWS) => ({ NotPrincipal: { AWS } })),
)
const actionNames = fc.subarray(
  ['s3:*', 's3:Get*', 's3:GetObject', 's3:PutObject', 's3:?etObjectAcl', 's3:*Object*'],
  { minLength: 1 },
)
const actions = fc.oneof(
  actionNames.map((Action) => ({ Action })),
  actionNames.map((NotAction) => ({ NotAction })),
)
const resourceNames = fc.subarray(
  [
    'arn:aws:s3:::photos/a/*',
    'arn:aws:s3:::photos/*.jpg',
    'arn:aws:s3:::photos/?/b*',
    ...everything,
  ],
  { minLength: 1 },
)
const resources = fc.oneof(
  // Most actions are about objects, so a policy without any would be refused.
  resourceNames.map((some) => ({ Resource: [...some, 'arn:aws:s3:::photos/zz'] })),
  resourceNames.map((NotResource) => ({ NotResource })),
)
const condition = fc.record({
  operator: fc.constantFrom(
    ...['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike', 'StringEqualsIfExists'],
    'StringNotLikeIfExists',
  ),
  key: fc.constantFrom('aws:UserAgent', 's3:ExistingObjectTag/state'),
  values: fc.subarray(['curl', 'c*', 'done', 'd?ne', '*'], { minLength: 1 }),
})
const conditions = fc.oneof(
  fc.constant({}),
  condition.map(({ operator, key, values }) => ({ Condition: { [operator]: { [key]: values } } })),
  fc
    .record({
      key: fc.constantFrom('aws:UserAgent', 's3:ExistingObjectTag/state'),
      value: fc.constantFrom('true', 'false'),
    })
    .map(({ key, value }) => ({ Condition: { Null: { [key]: [value] } } })),
)
const statements: fc.Arbitrary<PlainStatement> = fc
  .tuple(
    fc.constantFrom('Allow' as const, 'Deny' as const),
    principals,
    actions,
    resources,
    conditions,
  )
  .map(([Effect, ...parts]) => Object.assign({ Effect }, ...parts))

const bucketFacts = fc.record({
  ownerId: fc.constant('owner'),
  region: fc.constant('eu-west-1'),
  ownership: fc.constantFrom(...ownerships),
  block: fc.constantFrom(...blocks),
  acl: fc.constantFrom(...acls),
})
const anyAction = fc.constantFrom<TestAction>(...keyActions, ...bucketOnlyActions)
const plainQuestions = fc.record({
  caller: fc.constantFrom(...callers),
  action: anyAction,
  key: fc.constantFrom('a/b.jpg', 'a/c', 'b/b.jpg', 'x'),
  userAgent: fc.constantFrom('curl', 'done', undefined),
  bucket: bucketFacts,
  statements: fc.array(statements, { maxLength: 4 }),
  object: fc.constantFrom(...objects),
})

/** True if S3 takes the policy: its conditions and resources fit its actions. */
function isTaken(policy: readonly PlainStatement[]): boolean {
  try {
    if (policy.length > 0) compiledOnce(JSON.stringify({ Statement: policy }))
    return true
  } catch {
    return false
  }
}

test('the decision is that of the rules, for random policies', () => {
  fc.assert(
    fc.property(plainQuestions, ({ key, ...facts }) => {
      fc.pre(isTaken(facts.statements))
      const isAboutKey = isKeyAction(facts.action)
      const object = isAboutKey ? facts.object : 'absent'
      compare({ ...facts, bucketName, key: isAboutKey ? key : undefined, object }, facts.action)
    }),
    { numRuns: 3000 },
  )
})

test('a prefix is allowed only if every object below is', () => {
  const prefixes = fc.constantFrom('', 'a/', 'b/', 'a/b')
  fc.assert(
    fc.property(plainQuestions, prefixes, ({ key: _, ...facts }, prefix) => {
      const { action, object } = facts
      fc.pre(isTaken(facts.statements) && isKeyAction(action) && object !== 'absent')
      const isPolicyPublic = false
      const question = asked({ ...facts, bucketName, key: 'any', isPolicyPublic }, action)
      const { bucket } = question
      if (bucket === undefined) return
      const isEnforced = bucket.ownership === 'BucketOwnerEnforced'
      const asPrefix: Question = {
        ...question,
        bucket: { ...bucket, hasOtherOwners: object.ownerId !== 'owner' },
        resource: { kind: 'below', bucket: bucketName, prefix },
        object: undefined,
      }
      const { effect } = decide(asPrefix)
      assert.notEqual(effect, 'undecided')
      // The bucket's owner may take over all objects, so their lists don't count against the owner.
      if (effect === 'deny' || (!isEnforced && facts.caller === 'owner')) return
      for (const rest of ['', 'c', 'b.jpg', 'b/b.jpg']) {
        const resource = { kind: 'key', bucket: bucketName, key: prefix + rest } as const
        assert.equal(decide({ ...question, resource, object }).effect, 'allow', resource.key)
      }
    }),
    { numRuns: 2000 },
  )
})

test('the owner of a bucket whose objects are all the own needs no look at them', () => {
  const context = { principal: principal('owner') }
  const resource = { kind: 'key', bucket: bucketName, key: 'k' } as const
  const facts = { ownerId: 'owner', region: '', block: nothingBlocked, acl: undefined }
  const ask = (ownership: ObjectOwnership, hasOtherOwners?: boolean): string => {
    const bucket = { ...facts, ownership, policy: undefined, hasOtherOwners }
    return decide({ context, action: 's3:GetObject', resource, bucket, nowMs: 0 }).effect
  }
  assert.equal(ask('BucketOwnerEnforced'), 'allow')
  assert.equal(ask('ObjectWriter', false), 'allow')
  assert.equal(ask('ObjectWriter', true), 'undecided')
  assert.equal(ask('ObjectWriter'), 'undecided')
})
