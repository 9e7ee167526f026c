import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Connections, type Taker } from './connections.ts'

class Worker implements Taker {
  readonly taken: Socket[] = []

  take(socket: Socket): void {
    this.taken.push(socket)
  }
}

test('each connection goes to the worker that has the fewest', () => {
  const connections = new Connections()
  const [a, b] = [new Worker(), new Worker()]
  for (const worker of [a, b]) connections.add(worker)
  for (let round = 0; round < 10; round++) {
    connections.give(new Socket())
    for (const worker of [a, b]) connections.taken(worker)
  }
  assert.deepEqual([a.taken.length, b.taken.length], [5, 5])
  connections.closed(b, 3)
  for (let round = 0; round < 3; round++) {
    connections.give(new Socket())
    connections.taken(b)
  }
  assert.deepEqual([a.taken.length, b.taken.length], [5, 8])
})

test('a worker that does not take what it was handed gets nothing more, and the others get all', () => {
  const connections = new Connections()
  const [stopped, running] = [new Worker(), new Worker()]
  for (const worker of [stopped, running]) connections.add(worker)
  for (let round = 0; round < 10; round++) {
    connections.give(new Socket())
    connections.taken(running)
  }
  assert.deepEqual([stopped.taken.length, running.taken.length], [1, 9])
  assert.equal(stopped.taken[0]?.destroyed, false)
  connections.remove(stopped)
  assert.equal(stopped.taken[0]?.destroyed, true)
})

test('connections wait while there is no worker, in order and up to a bound', () => {
  const connections = new Connections()
  const sockets = Array.from({ length: 4097 }, () => new Socket())
  for (const socket of sockets) connections.give(socket)
  assert.equal(sockets.filter(({ destroyed }) => destroyed).length, 1)
  const worker = new Worker()
  connections.add(worker)
  connections.taken(worker)
  connections.remove(worker)
  connections.taken(worker)
  assert.deepEqual(worker.taken, sockets.slice(0, 2))
})
