import CairnBlocks
public import CairnVolumes

// The calls that take closures, for closures that throw errors of their own. An error that is not the store's rolls back
// like any other and comes out as it is.

extension Store {
  /// Reads the store as it is now; what others commit meanwhile is not seen.
  public func read<Result>(_ body: (Transaction) throws -> Result) throws -> Result {
    var cause: (any Error)?
    do {
      return try read { (transaction) throws(StorageError) in try Self.run(body, on: transaction, &cause) }
    } catch {
      throw cause ?? error
    }
  }

  /// Changes the store in one call: committed when `body` returns, rolled back when it throws.
  public func transaction<Result>(_ body: (Transaction) throws -> Result) throws -> Result {
    var cause: (any Error)?
    do {
      return try transaction { (transaction) throws(StorageError) in try Self.run(body, on: transaction, &cause) }
    } catch {
      throw cause ?? error
    }
  }

  /// A call of a multi-call transaction. When `body` throws, what it did is undone; earlier calls stay.
  public func resume<Result>(_ id: TransactionID, _ body: (Transaction) throws -> Result) throws -> Result {
    var cause: (any Error)?
    do {
      return try resume(id) { (transaction) throws(StorageError) in try Self.run(body, on: transaction, &cause) }
    } catch {
      throw cause ?? error
    }
  }

  /// A numbered call of a multi-call transaction: 1, 2, 3 ... nil: this call was made before, and `body` did not run.
  public func resume<Result>(
    _ id: TransactionID, callNumber: UInt64, _ body: (Transaction) throws -> Result
  ) throws -> Result? {
    var cause: (any Error)?
    do {
      return try resume(id, callNumber: callNumber) { (transaction) throws(StorageError) in
        try Self.run(body, on: transaction, &cause)
      }
    } catch {
      throw cause ?? error
    }
  }

  /// Runs a closure and keeps an error that the store does not know; what the store gets to see in its place only makes
  /// it roll back.
  private static func run<Result>(
    _ body: (Transaction) throws -> Result, on transaction: Transaction, _ cause: inout (any Error)?
  ) throws(StorageError) -> Result {
    do {
      return try body(transaction)
    } catch let error as StorageError {
      throw error
    } catch {
      cause = error
      throw .transactionFailed
    }
  }
}
