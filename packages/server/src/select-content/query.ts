// Runs one query over objects, one after the other: rows in, messages of records out. Needs no thread, so
// that tests can run it directly.

import { Aggregate } from './aggregate.ts'
import type { AggregateExpression, Expression, Query } from './ast.ts'
import { compile, type Evaluate, isTrue, type Scope } from './compile.ts'
import { QueryError } from './error.ts'
import type { OutputFormat } from './format.ts'
import { OutputBuffer, type RowOutput, rowOutput } from './output.ts'
import { isKeyColumn, type RowSource } from './row-source.ts'
import type { Value } from './value.ts'
import { childrenOf } from './walk.ts'

/** Sends a message of records. Resolves when the next may be sent. */
export type Send = (records: Buffer) => Promise<void>

export class QueryRun {
  readonly #query: Query
  readonly #now: number
  readonly #send: Send
  readonly #buffer = new OutputBuffer()
  readonly #output: RowOutput
  readonly #names: readonly (string | undefined)[]
  readonly #aggregates = new Map<AggregateExpression, Aggregate>()
  #left: number
  #hasSent = false

  /** @param now the value of UTCNOW, in milliseconds since the Unix epoch */
  constructor(
    query: Query,
    output: OutputFormat,
    options: { readonly now: number; readonly send: Send },
  ) {
    this.#query = query
    this.#now = options.now
    this.#send = options.send
    this.#output = rowOutput(output, this.#buffer)
    this.#names = (query.projections ?? []).map(({ name }) => name)
    this.#left = query.limit ?? Number.POSITIVE_INFINITY
  }

  /** True when further rows have no effect on the result. */
  get isDone(): boolean {
    return this.#left <= 0
  }

  /**
   * Reads the rows of one object.
   * @param key the object's key, if rows have it as a column
   * @throws QueryError
   */
  async readObject(source: RowSource, key?: string): Promise<void> {
    if (this.isDone) return
    const { isAggregate } = this.#query
    await source.open()
    const scope = this.#scopeOf(source, key)
    const where = this.#filter(scope)
    const visit = isAggregate ? this.#aggregation(scope) : this.#projection(scope, source)
    for (let hasMore = true; hasMore; ) {
      // The end of the input can complete a last row.
      hasMore = await source.fill()
      while (source.next()) {
        if (where !== undefined && !isTrue(where())) continue
        visit()
        if (!isAggregate && --this.#left <= 0) return
        if (this.#buffer.isFull) await this.#flush()
      }
      if (this.#buffer.length > 0 && !this.#hasSent) await this.#flush()
    }
  }

  /** Writes the row of aggregates, if there is one, and sends the rest of the output. */
  async finish(): Promise<void> {
    const { projections, isAggregate, limit } = this.#query
    if (isAggregate && limit !== 0) {
      const scope = this.#scopeOf(undefined)
      const values = (projections ?? []).map(({ expression }) => compile(expression, scope)())
      this.#output.writeRow(this.#names, values)
    }
    await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#buffer.length === 0) return
    this.#hasSent = true
    await this.#send(this.#buffer.take())
  }

  #filter(scope: Scope): Evaluate | undefined {
    const { where } = this.#query
    return where === undefined ? undefined : compile(where, scope)
  }

  #projection(scope: Scope, source: RowSource): () => void {
    const output = this.#output
    const { projections } = this.#query
    if (projections === undefined) {
      source.needAll?.()
      return () => source.writeAll(output)
    }
    const columns = projections.map(({ expression }) => compile(expression, scope))
    const values: Value[] = new Array(columns.length)
    const expressions = projections.map(({ expression }) => expression)
    const copy = source.copier?.(expressions, output)
    return () => {
      if (copy?.() === true) return
      for (let index = 0; index < columns.length; index++) values[index] = columns[index]?.()
      output.writeRow(this.#names, values)
    }
  }

  #aggregation(scope: Scope): () => void {
    const inputs: { state: Aggregate; argument: Evaluate | undefined }[] = []
    const collect = (expression: Expression): void => {
      if (expression.kind === 'aggregate') {
        const { argument } = expression
        const evaluate = argument === undefined ? undefined : compile(argument, scope)
        inputs.push({ state: scope.aggregate(expression), argument: evaluate })
      }
    }
    for (const { expression } of this.#query.projections ?? []) visitAll(expression, collect)
    return () => {
      for (const { state, argument } of inputs) {
        if (argument === undefined) state.addRows(1)
        else state.add(argument())
      }
    }
  }

  #scopeOf(source: RowSource | undefined, key?: string): Scope {
    return {
      now: this.#now,
      column: (steps) => {
        if (key !== undefined && isKeyColumn(steps)) return () => key
        if (source === undefined) throw new QueryError('UnsupportedSqlStructure')
        return source.column(steps)
      },
      quick: (expression, evaluate) => source?.quick?.(expression, evaluate),
      aggregate: (expression) => {
        const known = this.#aggregates.get(expression)
        if (known !== undefined) return known
        const state = new Aggregate(expression.name)
        this.#aggregates.set(expression, state)
        return state
      },
    }
  }
}

function visitAll(expression: Expression, visit: (expression: Expression) => void): void {
  visit(expression)
  for (const child of childrenOf(expression)) visitAll(child, visit)
}
