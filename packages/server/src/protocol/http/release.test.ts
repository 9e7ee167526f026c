import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { BodyInput, release } from './release.ts'

/** A request whose parser hands on what `pass` makes of its input. */
function parsed(pass: (piece: Buffer) => Buffer): {
  readonly request: IncomingMessage
  readonly piece: Buffer
} {
  const request = new IncomingMessage(new Socket())
  const input = new BodyInput(request)
  const piece = Buffer.allocUnsafeSlow(65_536).fill('x')
  input.parse(piece, (bytes) => request.push(pass(bytes)))
  return { request, piece }
}

test('the input of a body is released once the parser has copied it', () => {
  const { request, piece } = parsed((bytes) => Buffer.from(bytes))
  assert.equal(piece.byteLength, 0)
  assert.equal(String(request.read()), 'x'.repeat(65_536))
})

test('input that the parser hands on itself is kept', () => {
  const { request, piece } = parsed((bytes) => bytes.subarray(1))
  assert.equal(piece.byteLength, 65_536)
  assert.equal(String(request.read()), 'x'.repeat(65_535))
})

test('memory that has other bytes too, or is small, is kept', () => {
  const memory = Buffer.allocUnsafeSlow(65_536)
  release(memory.subarray(0, 65_535))
  const small = Buffer.allocUnsafeSlow(100)
  release(small)
  assert.deepEqual([memory.byteLength, small.byteLength], [65_536, 100])
  release(memory)
  assert.equal(memory.byteLength, 0)
})
