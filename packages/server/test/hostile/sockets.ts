// An attacker's connections: many raw sockets with errors ignored.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestServer } from '../harness.ts'

/** Opens connections with errors and responses ignored, from one address of the loopback network. */
export async function openMany(
  server: TestServer,
  count: number,
  localAddress?: string,
): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { host, port } = server
      const socket = connect({
        host,
        port,
        ...(localAddress === undefined ? {} : { localAddress }),
      })
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

/** Writes `text`. Resolves when the server has read all, after `ms`, or when the connection has ended. */
export async function push(socket: Socket, text: string | Buffer, ms: number): Promise<void> {
  if (socket.destroyed) return
  const written = new Promise<void>((resolve) => {
    socket.once('close', resolve)
    socket.write(text, 'latin1', () => resolve())
  })
  await Promise.race([written, delay(ms, undefined, { ref: false })])
}

/** Sends `text` on its own connection. Resolves to the response's status; 0 without a response. */
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

/** Calls `work` `count` times, with `atOnce` calls concurrently. */
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
