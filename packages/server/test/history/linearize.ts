// A linearizability checker: searches for an order of concurrent operations that explains their
// results. Wing and Gong's algorithm with Lowe's memoization (G. Lowe, Testing for linearizability,
// 2017).

/** One operation of a history, with its start and end by a common counter. */
export interface Recorded<Op> {
  readonly op: Op
  readonly from: number
  readonly to: number
}

/** The sequential specification. States are immutable, and equal keys mean equal states. */
export interface Model<Op, State> {
  /** The state after `op`, or undefined if its result is impossible in `state`. */
  step(state: State, op: Op): State | undefined
  key(state: State): string
}

/** The outcome of a search. */
export interface Verdict<Op> {
  readonly isLinearizable: boolean
  /** The longest order found; complete if the history is linearizable. */
  readonly order: readonly Op[]
  /** Steps tried. */
  readonly steps: number
}

/** The start or end of an operation, in the list of operations that are not yet ordered. */
class Event<Op> {
  readonly index: number
  readonly op: Op
  /** For a start, the operation's end. */
  readonly end: Event<Op> | undefined
  previous: Event<Op> | undefined
  next: Event<Op> | undefined

  constructor(index: number, op: Op, end?: Event<Op>) {
    this.index = index
    this.op = op
    this.end = end
  }

  take(): void {
    if (this.previous !== undefined) this.previous.next = this.next
    if (this.next !== undefined) this.next.previous = this.previous
  }

  putBack(): void {
    if (this.previous !== undefined) this.previous.next = this
    if (this.next !== undefined) this.next.previous = this
  }
}

/**
 * True if the operations could have happened one after another, each between its start and its end.
 */
export function linearize<Op, State>(
  history: readonly Recorded<Op>[],
  model: Model<Op, State>,
  initial: State,
): Verdict<Op> {
  const [first] = history
  if (first === undefined) return { isLinearizable: true, order: [], steps: 0 }
  const head = new Event(-1, first.op)
  link(head, history)
  const tried = new Set<string>()
  const chosen: { readonly event: Event<Op>; readonly state: State }[] = []
  let done = 0n
  let state = initial
  let longest: readonly Op[] = []
  let steps = 0
  let event = head.next
  while (head.next !== undefined) {
    if (event?.end !== undefined) {
      steps++
      const after = model.step(state, event.op)
      const mark = done | (1n << BigInt(event.index))
      const memory = after === undefined ? '' : `${mark} ${model.key(after)}`
      if (after === undefined || tried.has(memory)) {
        event = event.next
        continue
      }
      tried.add(memory)
      chosen.push({ event, state })
      if (chosen.length > longest.length) longest = chosen.map((choice) => choice.event.op)
      state = after
      done = mark
      event.take()
      event.end.take()
      event = head.next
      continue
    }
    // An operation ends here without a place in the order, so backtrack.
    const last = chosen.pop()
    if (last === undefined) return { isLinearizable: false, order: longest, steps }
    state = last.state
    done &= ~(1n << BigInt(last.event.index))
    last.event.end?.putBack()
    last.event.putBack()
    event = last.event.next
  }
  return { isLinearizable: true, order: longest, steps }
}

/** Links the events of a history behind `head`, in order of time. */
function link<Op>(head: Event<Op>, history: readonly Recorded<Op>[]): void {
  const events: { readonly at: number; readonly event: Event<Op> }[] = []
  for (const [index, { op, from, to }] of history.entries()) {
    const end = new Event(index, op)
    events.push({ at: from, event: new Event(index, op, end) }, { at: to, event: end })
  }
  events.sort((a, b) => a.at - b.at)
  let previous = head
  for (const { event } of events) {
    event.previous = previous
    previous.next = event
    previous = event
  }
}
