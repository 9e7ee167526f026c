// Connections of an attacker: many, raw, and indifferent to what becomes of them.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestServer } from '../harness.ts'

/** Opens connections whose errors and answers nobody looks at. */
export async function openMany(server: TestServer, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(server.port, server.host)
      socket.on('error', () => undefined)
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      return socket
    }),
  )
}

/** Closes connections. */
export function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy()
}

/** Writes `text`, and waits until the server took all of it, `ms` have passed, or the connection ended. */
export async function push(socket: Socket, text: string | Buffer, ms: number): Promise<void> {
  if (socket.destroyed) return
  const written = new Promise<void>((resolve) => {
    socket.once('close', resolve)
    socket.write(text, 'latin1', () => resolve())
  })
  await Promise.race([written, delay(ms, undefined, { ref: false })])
}

/** Sends `text` on a connection of its own, and resolves to the status of the answer; 0 without one. */
export async function statusOf(server: TestServer, text: string | Buffer): Promise<number> {
  const [socket] = await openMany(server, 1)
  if (socket === undefined) return 0
  const answer = new Promise<number>((resolve) => {
    socket.once('data', (data) => resolve(Number(data.toString('latin1').slice(9, 12))))
    socket.once('close', () => resolve(0))
    socket.setTimeout(30_000, () => resolve(0))
  })
  socket.write(text, 'latin1')
  const status = await answer
  socket.destroy()
  return status
}

/** Calls `work` `count` times, `atOnce` of them at a time. */
export async function repeat(
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const line = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, line))
}
