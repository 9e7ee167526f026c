import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { isSignError } from './error.ts'
import {
  type ParameterRequest,
  type ParameterSigned,
  parseDateTime,
  stringToSignV2,
  verifyParameters,
} from './v2.ts'
import { type SignCode, wordsOf } from './wording.ts'

const nowMs = Date.UTC(2026, 10, 21, 7, 47, 0)

/** Signatures that boto3, the JavaScript SDK v2 and boto 2 made, with the key AK and the secret SK. */
const vectors = [
  {
    client: 'boto3 creates a domain',
    method: 'POST',
    host: '127.0.0.1:18181',
    canonical:
      'AWSAccessKeyId=AK&Action=CreateDomain&DomainName=dom&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2026-11-21T07%3A46%3A57Z&Version=2009-04-15',
    signature: 'gj1qGJXog5sZlg5IugWI5VtL8nBC/IRVQrVj4usxtow=',
  },
  {
    client: 'boto3 puts attributes with special characters',
    method: 'POST',
    host: '127.0.0.1:18181',
    canonical:
      'AWSAccessKeyId=AK&Action=PutAttributes&Attribute.1.Name=a&Attribute.1.Replace=true&Attribute.1.Value=x%2By%20z&Attribute.2.Name=b&Attribute.2.Value=&DomainName=dom&Expected.Exists=false&Expected.Name=a&ItemName=i%201%2F%C3%A9~%2A&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2026-11-21T07%3A46%3A57Z&Version=2009-04-15',
    signature: 'Stjv8sUQtG3Ihh4gllyAWUfB9+WkIuNXC2IaVSl79q0=',
  },
  {
    client: 'the JavaScript SDK v2 puts attributes',
    method: 'POST',
    host: '127.0.0.1:18181',
    canonical:
      'AWSAccessKeyId=AK&Action=PutAttributes&Attribute.1.Name=a&Attribute.1.Replace=true&Attribute.1.Value=x%2By%20z&DomainName=dom&Expected.Exists=true&Expected.Name=a&Expected.Value=1&ItemName=i%201%2F%C3%A9~%2A%21%27%28%29&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2026-11-21T07%3A47%3A03Z&Version=2009-04-15',
    signature: 'y5BnMXH45MnpOT2DtuIi8t7i9KTFNVuKyrZe+8r6hIE=',
  },
  {
    client: 'boto 2 creates a domain, and signs the host without its port',
    method: 'GET',
    host: '127.0.0.1:18181',
    canonical:
      'AWSAccessKeyId=AK&Action=CreateDomain&DomainName=dom&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2026-11-21T07%3A47%3A04Z&Version=2009-04-15',
    signature: 'Uqp2jIOvJmOiY/YrSaHs02QO1PxUMmEUgqniXsRQDkw=',
  },
]

type Parameter = ParameterRequest['parameters'][number]

function requestOf(
  parameters: readonly Parameter[],
  facts: Partial<ParameterRequest> = {},
): ParameterRequest {
  return { method: 'GET', host: 'localhost', localPort: 80, path: '/', parameters, ...facts }
}

function verified(
  request: ParameterRequest,
  options: { readonly allowsVersion1?: boolean; readonly nowMs?: number } = {},
): ParameterSigned<string> {
  return verifyParameters(request, {
    lookup: (id) => (id === 'AK' ? { secretAccessKey: 'SK', principal: 'me' } : undefined),
    nowMs: options.nowMs ?? nowMs,
    allowsVersion1: options.allowsVersion1 ?? false,
  })
}

function refused(code: SignCode, message?: string) {
  return (error: unknown): boolean => {
    if (!isSignError(error)) return false
    const words = wordsOf(error.refusal)
    return words.code === code && (message === undefined || words.message === message)
  }
}

const common: Readonly<Record<string, string>> = {
  AWSAccessKeyId: 'AK',
  Action: 'ListDomains',
  SignatureVersion: '2',
  SignatureMethod: 'HmacSHA256',
  Timestamp: '2026-11-21T07:47:00Z',
  Version: '2009-04-15',
}

/** A request with `changes`; an undefined value leaves a parameter out. */
function signedWith(
  changes: Readonly<Record<string, string | undefined>>,
  facts: Partial<ParameterRequest> & { readonly signedHost?: string } = {},
): ParameterRequest {
  const parameters: Parameter[] = []
  for (const [name, value] of Object.entries({ ...common, ...changes })) {
    if (value !== undefined) parameters.push({ name, value })
  }
  const request = requestOf(parameters, facts)
  const method = changes['SignatureMethod'] ?? 'HmacSHA256'
  const text = stringToSignV2(request, facts.signedHost ?? request.host ?? '')
  const hmac = createHmac(method === 'HmacSHA1' ? 'sha1' : 'sha256', 'SK').update(text)
  const Signature = changes['Signature'] ?? hmac.digest('base64')
  return { ...request, parameters: [...parameters, { name: 'Signature', value: Signature }] }
}

test('signatures of real clients hold, in any order of the parameters', () => {
  for (const { client, method, host, canonical, signature } of vectors) {
    const parameters = [...new URLSearchParams(canonical)].map(([name, value]) => ({ name, value }))
    const sent = [{ name: 'Signature', value: signature }, ...parameters].reverse()
    const request = requestOf(sent, { method, host, localPort: 18181 })
    assert.deepEqual(verified(request), { principal: 'me', accessKeyId: 'AK' }, client)
    const changed = parameters.map((one) =>
      one.name === 'DomainName' ? { ...one, value: 'don' } : one,
    )
    const forged = requestOf([...changed, { name: 'Signature', value: signature }], {
      method,
      host,
    })
    assert.throws(() => verified(forged), refused('SignatureDoesNotMatch'), client)
  }
})

test('both algorithms hold, and the host with and without its port, in any case', () => {
  verified(signedWith({ SignatureMethod: 'HmacSHA1' }))
  verified(signedWith({}, { host: 'Example.COM:9000', signedHost: 'example.com:9000' }))
  verified(signedWith({}, { host: 'example.com:9000', signedHost: 'example.com' }))
  verified(signedWith({}, { host: 'example.com', localPort: 9000, signedHost: 'example.com:9000' }))
  const elsewhere = signedWith({}, { host: 'example.com', signedHost: 'example.org' })
  assert.throws(() => verified(elsewhere), refused('SignatureDoesNotMatch'))
})

test('names are ordered by their bytes, and values of one name by theirs', () => {
  const parameters = ['\u{ffff}', '\u{10000}', 'b', 'B', 'a.10', 'a.2'].map((name) => ({
    name,
    value: name,
  }))
  const more = [...parameters, { name: 'b', value: 'a' }]
  assert.equal(
    stringToSignV2(requestOf(more, { path: '' }), 'HOST'),
    'GET\nhost\n/\nB=B&a.10=a.10&a.2=a.2&b=a&b=b&%EF%BF%BF=%EF%BF%BF&%F0%90%80%80=%F0%90%80%80',
  )
})

test('repeated parameters hold in one order only', () => {
  const fields = (pairs: readonly (readonly [string, string])[]): ParameterRequest => {
    const parameters = [...Object.entries(common), ...pairs].map(([name, value]) => ({
      name,
      value,
    }))
    const signature = createHmac('sha256', 'SK').update(
      stringToSignV2(requestOf(parameters), 'localhost'),
    )
    return requestOf([...parameters, { name: 'Signature', value: signature.digest('base64') }])
  }
  const one = ['Attribute.Name', 'a'] as const
  const other = ['Attribute.Name', 'b'] as const
  verified(fields([one, other]))
  assert.throws(() => verified(fields([other, one])), refused('InvalidParameterCombination'))
  const spellings = [
    ['Attribute.1.name', 'Attribute.1.Name'],
    ['Attribute.1.Name', 'Attribute.01.Name'],
    ['Item.1.Attribute.1.Value', 'Item.1.Attribute.01.Value'],
  ]
  for (const [first = '', second = ''] of spellings) {
    const pairs = [
      [first, 'b'],
      [second, 'a'],
    ] as const
    verified(fields(pairs))
    assert.throws(
      () => verified(fields(pairs.toReversed())),
      refused('InvalidParameterCombination'),
      second,
    )
  }
  const set = [
    ['AttributeName', 'b'],
    ['AttributeName', 'a'],
  ] as const
  verified(fields(set))
})

test('times may have milliseconds and zones, and be fifteen minutes off', () => {
  for (const Timestamp of [
    '2026-11-21T07:47:00.000Z',
    '2026-11-21T07:47:00+00:00',
    '2026-11-21T00:47:00-07:00',
    '2026-11-21T13:17:00+05:30',
    '2026-11-21T07:47:00',
    '2026-11-21T07:32:00Z',
    '2026-11-21T08:02:00Z',
  ]) {
    verified(signedWith({ Timestamp }))
  }
  assert.throws(
    () => verified(signedWith({ Timestamp: '2026-11-21T07:31:59Z' })),
    refused('RequestTimeTooSkewed', 'Request has expired. Timestamp date is 2026-11-21T07:31:59Z.'),
  )
  assert.throws(
    () => verified(signedWith({ Timestamp: '2026-11-21T08:02:01Z' })),
    refused('RequestTimeTooSkewed'),
  )
  assert.equal(parseDateTime('2026-06-31T00:00:00Z'), undefined)
  assert.equal(parseDateTime('yesterday'), undefined)
})

test('an expiry may replace the time, but not stand beside it', () => {
  const Timestamp = undefined
  verified(signedWith({ Timestamp, Expires: '2026-11-21T07:47:00Z' }))
  assert.throws(
    () => verified(signedWith({ Timestamp, Expires: '2026-11-21T07:46:59Z' })),
    refused('RequestTimeTooSkewed', 'Request has expired. Expires date is 2026-11-21T07:46:59Z.'),
  )
  assert.throws(
    () => verified(signedWith({ Expires: '2026-11-21T07:47:00Z' })),
    refused('InvalidParameterCombination'),
  )
})

test('what is missing or malformed is refused, each by its name', () => {
  const cases: [Record<string, string | undefined>, SignCode][] = [
    [{ AWSAccessKeyId: undefined }, 'MissingAuthentication'],
    [{ AWSAccessKeyId: '' }, 'MissingAuthentication'],
    [{ AWSAccessKeyId: 'NOBODY' }, 'InvalidAccessKeyId'],
    [{ SignatureVersion: undefined }, 'MissingParameter'],
    [{ SignatureVersion: '3' }, 'InvalidParameterValue'],
    [{ SignatureVersion: '1' }, 'InvalidParameterValue'],
    [{ SignatureMethod: undefined }, 'MissingParameter'],
    [{ SignatureMethod: 'HmacMD5' }, 'InvalidParameterValue'],
    [{ Signature: '' }, 'IncompleteSignature'],
    [{ Signature: 'c2hvcnQ=' }, 'SignatureDoesNotMatch'],
    [{ Timestamp: undefined }, 'MissingParameter'],
    [{ Timestamp: 'now' }, 'InvalidParameterValue'],
    [{ SecurityToken: 'x' }, 'InvalidToken'],
  ]
  for (const [changes, code] of cases) {
    assert.throws(() => verified(signedWith(changes)), refused(code), JSON.stringify(changes))
  }
})

test('version 1 holds only where it is allowed', () => {
  const Signature = createHmac('sha1', 'SK')
    .update(
      'ActionListDomainsAWSAccessKeyIdAKSignatureVersion1Timestamp2026-11-21T07:47:00ZVersion2009-04-15',
    )
    .digest('base64')
  const request = signedWith({ SignatureVersion: '1', SignatureMethod: undefined, Signature })
  verified(request, { allowsVersion1: true })
  assert.throws(() => verified(request), refused('InvalidParameterValue'))
})
