#if arch(wasm32)
  import CairnBlocks
  import CairnMaps
  import CairnVolumes

  // 10,000 operations on a typed map in one message, numbers to numbers and blobs of 32 bytes to blobs of 128.

  private func onMap<Key: Storable, Value: Storable>(
    _ name: String, _ body: (StableMap<Key, Value>) throws(StorageError) -> UInt64
  ) {
    measured { (store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in
        try body(try transaction.map(name, Key.self, Value.self))
      }
    }
  }

  private func onNumbers(_ body: (StableMap<UInt64, UInt64>) throws(StorageError) -> UInt64) { onMap("numbers", body) }

  private func onBlobs(_ body: (StableMap<[UInt8], [UInt8]>) throws(StorageError) -> UInt64) { onMap("blobs", body) }

  /// 10,000 inserts of numbers.
  @_expose(wasm, "canister_update numbers_insert") @c(bench_numbers_insert)
  public func numbersInsert() {
    onNumbers { (map) throws(StorageError) in
      var found: UInt64 = 0
      for index in 0..<operationCount where try map.insert(number(index), index) != nil { found += 1 }
      return found
    }
  }

  /// 10,000 look-ups.
  @_expose(wasm, "canister_update numbers_get") @c(bench_numbers_get)
  public func numbersGet() {
    onNumbers { (map) throws(StorageError) in
      var sum: UInt64 = 0
      for index in 0..<operationCount { sum += try map.get(number(index)) ?? 0 }
      return sum
    }
  }

  /// 10,000 removals, in the order of the inserts.
  @_expose(wasm, "canister_update numbers_remove") @c(bench_numbers_remove)
  public func numbersRemove() {
    onNumbers { (map) throws(StorageError) in
      var sum: UInt64 = 0
      for index in 0..<operationCount { sum += try map.remove(number(index)) ?? 0 }
      return sum
    }
  }

  /// 10,000 times the first entry.
  @_expose(wasm, "canister_update numbers_pop_first") @c(bench_numbers_pop_first)
  public func numbersPopFirst() {
    onNumbers { (map) throws(StorageError) in
      var sum: UInt64 = 0
      for _ in 0..<operationCount { sum += try map.popFirst()?.value ?? 0 }
      return sum
    }
  }

  /// 10,000 inserts of blobs.
  @_expose(wasm, "canister_update blobs_insert") @c(bench_blobs_insert)
  public func blobsInsert() {
    onBlobs { (map) throws(StorageError) in
      var found: UInt64 = 0
      for index in 0..<operationCount
      where try map.insert(blob(number(index), count: 32), blob(index, count: 128)) != nil { found += 1 }
      return found
    }
  }

  /// 10,000 look-ups.
  @_expose(wasm, "canister_update blobs_get") @c(bench_blobs_get)
  public func blobsGet() {
    onBlobs { (map) throws(StorageError) in
      var sum: UInt64 = 0
      for index in 0..<operationCount { sum += UInt64(try map.get(blob(number(index), count: 32))?[7] ?? 0) }
      return sum
    }
  }

  /// 10,000 removals, in the order of the inserts.
  @_expose(wasm, "canister_update blobs_remove") @c(bench_blobs_remove)
  public func blobsRemove() {
    onBlobs { (map) throws(StorageError) in
      var sum: UInt64 = 0
      for index in 0..<operationCount { sum += UInt64(try map.remove(blob(number(index), count: 32))?[7] ?? 0) }
      return sum
    }
  }

  /// 10,000 times the first entry.
  @_expose(wasm, "canister_update blobs_pop_first") @c(bench_blobs_pop_first)
  public func blobsPopFirst() {
    onBlobs { (map) throws(StorageError) in
      var sum: UInt64 = 0
      for _ in 0..<operationCount { sum += UInt64(try map.popFirst()?.value[7] ?? 0) }
      return sum
    }
  }
#endif
