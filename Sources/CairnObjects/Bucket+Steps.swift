public import CairnBlocks

// Work on many objects in steps: each call does a bounded part, in a transaction of its own, so that a caller whose calls
// are bounded (a message of a canister, say) comes to the end in as many as it takes, across restarts and upgrades.

extension Bucket {
  /// Removes the first objects whose keys begin with a prefix, at most `budget` of them; how many. Fewer than the budget:
  /// none is left.
  ///
  /// The objects that are left are the cursor: call it again, in the next transaction, until it returns less.
  @discardableResult
  public func deleteAll(prefix: [UInt8] = [], budget: Int) throws(StorageError) -> Int {
    guard budget > 0 else { return 0 }
    let keys = try list(ObjectQuery(prefix: prefix, limit: budget)).objects.map { $0.key }
    try delete(keys)
    return keys.count
  }

  /// Copies objects whose keys begin with a prefix to the same keys of another bucket, in byte order, until `budget` bytes
  /// or 1,000 objects are copied; an object counts as one byte at least, and one is copied in any case, whole.
  ///
  /// - Parameters:
  ///   - target: where to, possibly in another volume. Objects in the place of a copy are replaced.
  ///   - key: where the last call ended; nil: from the start. Kept in the same transaction (in a map, say), it is as
  ///     durable as the copies.
  /// - Returns: The last key that was copied, for the next call; nil when nothing is left.
  public func copyAll(
    prefix: [UInt8] = [], to target: Bucket, after key: ObjectKey? = nil, budget: UInt64
  ) throws(StorageError) -> ObjectKey? {
    let listing = try list(ObjectQuery(prefix: prefix, startAfter: key?.bytes ?? [], limit: 1000))
    var left = budget
    for object in listing.objects {
      try target.copy(object.key, from: self, to: object.key)
      let cost = max(object.size, 1)
      guard cost < left else { return object.key }
      left -= cost
    }
    return listing.isTruncated ? listing.objects.last?.key : nil
  }
}
