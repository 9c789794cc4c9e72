public import CairnBlocks

// The same operations with arrays.

extension Tree {
  /// A copy of the value of a key; nil when there is no such key.
  public func get(_ key: [UInt8], in view: BlockView) throws(StorageError) -> [UInt8]? {
    try get(unsafe key.span.bytes, in: view)
  }

  /// Lends the value of a key; nil when there is no such key.
  @inlinable
  public func withValue<Result>(
    for key: [UInt8], in view: BlockView, _ body: (RawSpan) throws(StorageError) -> Result
  ) throws(StorageError) -> Result? {
    try withValue(for: unsafe key.span.bytes, in: view, body)
  }

  /// Whether there is a key.
  public func contains(_ key: [UInt8], in view: BlockView) throws(StorageError) -> Bool {
    try contains(unsafe key.span.bytes, in: view)
  }

  /// Stores a value under a key; true when it replaced another.
  @discardableResult
  public func put(
    _ key: [UInt8], _ value: [UInt8], in transaction: BlockTransaction
  ) throws(StorageError) -> Bool {
    try put(unsafe key.span.bytes, unsafe value.span.bytes, in: transaction)
  }

  /// Removes a key and its value; false when there is no such key.
  @discardableResult
  public func delete(_ key: [UInt8], in transaction: BlockTransaction) throws(StorageError) -> Bool {
    try delete(unsafe key.span.bytes, in: transaction)
  }
}
